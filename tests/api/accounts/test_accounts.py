"""Users, organizations and robots."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mirrors.models import Mirror, Namespace, Robot, User
from tests.api.conftest import APIClient
from tests.fixtures.domain import join

ROBOTS = "/api/v1/organization/acme/robots"
MISSING_ROBOT = "Could not find robot with specified username"


def test_the_user_behind_the_token(api: APIClient, anonymous_api: APIClient) -> None:
    body = api.get("/api/v1/user/").json()
    assert (body["username"], body["anonymous"], body["super_user"]) == ("owner", False, False)
    assert [(one["name"], one["is_org_admin"]) for one in body["organizations"]] == [("acme", True)]
    refused = anonymous_api.get("/api/v1/user/")
    assert refused.status_code == 401
    assert (refused.json()["error_type"], refused.json()["session_required"]) == ("invalid_token", False)


def test_a_new_organization_is_administered_by_its_maker(stranger_api: APIClient, stranger: User) -> None:
    response = stranger_api.post("/api/v1/organization/", {"name": "new-org", "email": "team@example.com"})
    assert (response.status_code, response.json()) == (201, "Created")
    body = stranger_api.get("/api/v1/organization/new-org").json()
    assert set(body) == {"name", "email", "avatar", "is_admin", "is_member"}
    assert (body["name"], body["email"], body["is_admin"], body["is_member"]) == (
        "new-org",
        "team@example.com",
        True,
        True,
    )


@pytest.mark.parametrize("name", ["acme", "owner", "A", "a", "Upper", "a/b", "a b", "-a", "", "x" * 256, 7, None])
def test_taken_and_bad_names_of_organizations_are_refused(api: APIClient, name: object) -> None:
    response = api.post("/api/v1/organization/", {"name": name})
    assert (response.status_code, response.json()["error_type"]) == (400, "invalid_request")
    assert response.json()["message"]


def test_an_organization_is_shown_to_everyone_but_its_address_to_its_administrators(
    anonymous_api: APIClient, member_api: APIClient, organization: Namespace
) -> None:
    Namespace.objects.filter(pk=organization.pk).update(email="acme@example.com")
    for caller, is_member in ((anonymous_api, False), (member_api, True)):
        body = caller.get("/api/v1/organization/acme").json()
        assert (body["email"], body["is_admin"], body["is_member"]) == ("", False, is_member)


@pytest.mark.parametrize("name", ["missing", "owner"])
def test_what_is_no_organization_is_not_found(api: APIClient, name: str) -> None:
    response = api.get(f"/api/v1/organization/{name}")
    assert (response.status_code, response.json()["error_type"]) == (404, "not_found")


@pytest.mark.parametrize(("data", "content_type"), [("", ""), ("", "application/json"), ("{}", "application/json")])
def test_a_robot_is_made_with_or_without_a_body(api: APIClient, data: str, content_type: str) -> None:
    response = api.send("PUT", f"{ROBOTS}/ci", data, content_type=content_type)
    assert response.status_code == 201
    body = response.json()
    assert set(body) == {"name", "created", "last_accessed", "description", "token", "unstructured_metadata"}
    assert (body["name"], body["last_accessed"]) == ("acme+ci", None)
    assert re.fullmatch("[A-Z0-9]{64}", body["token"])
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d -0000", body["created"])
    assert api.get(f"{ROBOTS}/ci").json() == body


def test_a_robot_keeps_its_description(api: APIClient) -> None:
    made = api.put(f"{ROBOTS}/ci", {"description": "Builds", "unstructured_metadata": {"a": 1}})
    assert made.json()["description"] == "Builds"
    assert api.put(f"{ROBOTS}/long", {"description": "x" * 256}).status_code == 400


def test_a_second_robot_of_that_name_is_refused(api: APIClient, robot: Robot) -> None:
    response = api.put(f"{ROBOTS}/mirror", {})
    assert (response.status_code, response.json()["message"]) == (400, "Existing robot with name: acme+mirror")


@pytest.mark.parametrize("name", ["Upper", "1st", "a+b", "a b"])
def test_a_bad_name_of_a_robot_is_refused(api: APIClient, name: str) -> None:
    response = api.put(f"{ROBOTS}/{name}", {})
    assert (response.status_code, response.json()["error_type"]) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_missing_robot_is_a_400_in_quays_words(api: APIClient, method: str) -> None:
    response = api.send(method, f"{ROBOTS}/nobody")
    assert (response.status_code, response.json()["message"]) == (400, MISSING_ROBOT)


def test_a_robot_can_be_removed(api: APIClient, robot: Robot) -> None:
    response = api.send("DELETE", f"{ROBOTS}/mirror")
    assert (response.status_code, response.content) == (204, b"")
    assert not Robot.objects.exists()


def test_a_robot_that_a_mirror_uses_stays(api: APIClient, mirror: Mirror) -> None:
    response = api.send("DELETE", f"{ROBOTS}/mirror")
    assert (response.status_code, response.json()["message"]) == (400, "Robot is being used by a mirror")
    assert Robot.objects.exists()


def test_members_list_robots_and_administrators_see_their_tokens(
    api: APIClient, member_api: APIClient, stranger_api: APIClient, robot: Robot
) -> None:
    assert [one["token"] for one in api.get(ROBOTS).json()["robots"]] == [robot.token]
    assert "token" not in api.get(ROBOTS, token="false").json()["robots"][0]
    assert robot.token not in member_api.get(ROBOTS).content.decode()
    assert [one["name"] for one in member_api.get(ROBOTS).json()["robots"]] == ["acme+mirror"]
    assert stranger_api.get(ROBOTS).status_code == 403


@pytest.mark.parametrize("organization_name", ["acme", "missing", "owner"])
def test_strangers_and_members_have_no_business_with_a_robot(
    stranger_api: APIClient, member_api: APIClient, robot: Robot, organization_name: str
) -> None:
    for caller in (stranger_api, member_api):
        for method in ("GET", "PUT", "DELETE"):
            response = caller.send(method, f"/api/v1/organization/{organization_name}/robots/mirror")
            assert (response.status_code, response.json()["error_type"]) == (403, "insufficient_scope")
    assert Robot.objects.exists()


def test_a_user_has_robots_of_their_own(stranger_api: APIClient, stranger: User) -> None:
    assert stranger_api.put("/api/v1/user/robots/ci", {}).json()["name"] == "stranger+ci"
    assert stranger_api.get("/api/v1/user/robots/ci").status_code == 200
    assert len(stranger_api.get("/api/v1/user/robots").json()["robots"]) == 1
    assert stranger_api.send("DELETE", "/api/v1/user/robots/ci").status_code == 204
    assert stranger_api.get("/api/v1/user/robots/owner").json()["message"] == MISSING_ROBOT


def test_a_creator_is_no_administrator(
    make_api: Callable[..., APIClient], make_user: Callable[..., User], organization: Namespace, robot: Robot
) -> None:
    creator = make_user("creator")
    join(organization, creator, role="creator")
    assert make_api(creator).get(f"{ROBOTS}/mirror").status_code == 403
