"""Robots."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mirrors.models import (
    LogEntry,
    Mirror,
    Namespace,
    Repository,
    RepositoryPermission,
    Robot,
    User,
)
from mirrors.services.accounts import robots
from tests.api.conftest import ALL_SCOPES, APIClient
from tests.fixtures.domain import join, mirror_organization

ROBOTS = "/api/v1/organization/acme/robots"
MISSING_ROBOT = "Could not find robot with specified username"


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
    made = api.put(f"{ROBOTS}/ci", {"description": "Builds"})
    assert made.json()["description"] == "Builds"
    assert api.put(f"{ROBOTS}/long", {"description": "x" * 256}).status_code == 400


def test_a_second_robot_of_that_name_is_refused(api: APIClient, robot: Robot) -> None:
    response = api.put(f"{ROBOTS}/mirror", {})
    assert (response.status_code, response.json()["message"]) == (400, "Existing robot with name: acme+mirror")


@pytest.mark.parametrize("name", ["Upper", "-a", "a--b", "a+b", "a b"])
def test_a_bad_name_of_a_robot_is_refused(api: APIClient, name: str) -> None:
    response = api.put(f"{ROBOTS}/{name}", {})
    assert (response.status_code, response.json()["error_type"]) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["1st", "2024.build", "ci-bot_2"])
def test_a_robot_may_have_any_name_that_quay_takes(api: APIClient, name: str) -> None:
    response = api.put(f"{ROBOTS}/{name}", {})
    assert (response.status_code, response.json()["name"]) == (201, f"acme+{name}")


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


def test_metadata_comes_back_as_it_was_given(api: APIClient) -> None:
    metadata = {"team": "build", "nested": {"list": [1, None, True, "ä"]}, "": ""}
    assert api.put(f"{ROBOTS}/ci", {"unstructured_metadata": metadata}).json()["unstructured_metadata"] == metadata
    assert api.get(f"{ROBOTS}/ci").json()["unstructured_metadata"] == metadata
    assert api.put(f"{ROBOTS}/other", {"unstructured_metadata": None}).json()["unstructured_metadata"] == {}


@pytest.mark.parametrize(
    "metadata",
    [[], "text", {"a": "\0"}, {"\ud800": 1}, {"a": "x" * 70_000}, {"a": [[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]}],
)
def test_metadata_that_cannot_be_kept_is_refused(api: APIClient, metadata: object) -> None:
    assert api.put(f"{ROBOTS}/ci", {"unstructured_metadata": metadata}).status_code == 400
    assert not Robot.objects.exists()


def test_a_robot_that_an_organization_mirror_uses_stays(api: APIClient, robot: Robot) -> None:
    mirror_organization(robot)
    response = api.send("DELETE", f"{ROBOTS}/mirror")
    assert (response.status_code, response.json()["message"]) == (400, "Robot is being used by a mirror")


def test_a_new_token_replaces_the_old_one(api: APIClient, robot: Robot) -> None:
    old = robot.token
    body = api.send("POST", f"{ROBOTS}/mirror/regenerate", content_type="").json()
    assert re.fullmatch("[A-Z0-9]{64}", body["token"])
    assert body["token"] != old
    assert api.get(f"{ROBOTS}/mirror").json() == body
    entry = LogEntry.objects.get(kind="regenerate_robot_token")
    assert entry.metadata["robot"] == "mirror"
    assert body["token"] not in repr(entry.metadata)


def test_lists_can_be_limited_and_show_teams_and_repositories(
    api: APIClient, member_api: APIClient, robot: Robot, repository: Repository
) -> None:
    robots.create_robot(robot.namespace, "second")
    robots.grant_write(robot, repository)
    join(robot.namespace, robot, role="creator")

    first = api.get(ROBOTS, permissions="true", limit=1).json()["robots"]

    assert [one["name"] for one in first] == ["acme+mirror"]
    assert [team["name"] for team in first[0]["teams"]] == ["creators"]
    assert first[0]["repositories"] == ["app"]
    assert "teams" not in api.get(ROBOTS, permissions="False").json()["robots"][0]
    assert "teams" not in member_api.get(ROBOTS, permissions="true").json()["robots"][0]
    assert api.get(ROBOTS, limit="many").status_code == 400


def test_many_robots_cost_as_many_queries_as_few(api: APIClient, robot: Robot, repository: Repository) -> None:
    robots.grant_write(robot, repository)
    join(robot.namespace, robot)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(ROBOTS, permissions="true").status_code == 200
        return len(captured)

    queries()  # which notes that the token is in use
    few = queries()
    for number in range(20):
        robots.grant_write(robots.create_robot(robot.namespace, f"r{number}"), repository)
    assert queries() == few


def test_the_roles_of_a_robot(api: APIClient, robot: Robot, repository: Repository) -> None:
    RepositoryPermission.objects.create(repository=repository, robot=robot, role="read")
    assert api.get(f"{ROBOTS}/mirror/permissions").json() == {
        "permissions": [{"repository": {"name": "app", "is_public": False}, "role": "read"}]
    }
    assert api.get(f"{ROBOTS}/nobody/permissions").json()["message"] == MISSING_ROBOT


IDENTITY = {"issuer": "https://token.example.com", "subject": "repo:team/app"}


def test_identities_at_other_services_are_a_bare_array(api: APIClient, robot: Robot) -> None:
    path = f"{ROBOTS}/mirror/federation"
    assert api.get(path).json() == []
    response = api.post(path, [IDENTITY | {"more": 1}])
    assert (response.status_code, response.json()) == (200, [IDENTITY])
    assert api.get(path).json() == [IDENTITY]
    assert api.send("DELETE", path).status_code == 204
    assert api.get(path).json() == []
    kinds = list(LogEntry.objects.order_by("id").values_list("kind", flat=True))
    assert kinds[-2:] == ["create_robot_federation", "delete_robot_federation"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        None,
        [7],
        [{"issuer": "https://a.example.com"}],
        [{"issuer": "ftp://a.example.com", "subject": "s"}],
        [{"issuer": "http://[", "subject": "s"}],
        [{"issuer": "https://a.example.com", "subject": ""}],
        [IDENTITY, IDENTITY],
        [{"issuer": "https://a.example.com", "subject": str(number)} for number in range(101)],
    ],
)
def test_identities_that_make_no_sense_are_refused(api: APIClient, robot: Robot, body: object) -> None:
    response = api.post(f"{ROBOTS}/mirror/federation", body)
    assert (response.status_code, response.json()["error_type"]) == (400, "invalid_request")
    assert Robot.objects.get().federations == []


def test_a_superuser_sees_tokens_and_a_read_only_one_does_not(
    make_api: Callable[..., APIClient], make_user: Callable[..., User], superuser: User, robot: Robot
) -> None:
    scopes = [*ALL_SCOPES, "super:user"]
    root = make_api(superuser, scopes=scopes)
    reader = make_api(make_user("reader", is_readonly_superuser=True), scopes=scopes)
    for path in (ROBOTS, f"{ROBOTS}/mirror"):
        assert robot.token in root.get(path).content.decode()
        shown = reader.get(path)
        assert shown.status_code == 200
        assert "token" not in shown.content.decode()
    for method, path in (("PUT", "new"), ("DELETE", "mirror"), ("POST", "mirror/regenerate")):
        assert reader.send(method, f"{ROBOTS}/{path}").status_code == 403


def test_a_superuser_is_told_of_a_missing_organization(make_api: Callable[..., APIClient], superuser: User) -> None:
    root = make_api(superuser, scopes=[*ALL_SCOPES, "super:user"])
    assert root.get("/api/v1/organization/missing/robots/ci").status_code == 404


def test_everything_works_for_a_users_own_robots(stranger_api: APIClient) -> None:
    own = "/api/v1/user/robots"
    made = stranger_api.put(f"{own}/ci", {"unstructured_metadata": {"a": 1}}).json()
    assert made["unstructured_metadata"] == {"a": 1}
    assert stranger_api.put(f"{own}/ci").status_code == 400
    assert stranger_api.send("POST", f"{own}/ci/regenerate").json()["token"] != made["token"]
    assert stranger_api.get(f"{own}/ci/permissions").json() == {"permissions": []}
    assert stranger_api.post(f"{own}/ci/federation", [IDENTITY]).json() == [IDENTITY]
    assert stranger_api.get(f"{own}/ci/federation").json() == [IDENTITY]
    assert stranger_api.send("DELETE", f"{own}/ci/federation").status_code == 204
    assert [one["name"] for one in stranger_api.get(own, permissions="true").json()["robots"]] == ["stranger+ci"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "mirror/regenerate"),
        ("GET", "mirror/permissions"),
        ("GET", "mirror/federation"),
        ("POST", "mirror/federation"),
        ("DELETE", "mirror/federation"),
    ],
)
def test_a_robots_details_are_no_business_of_strangers(
    stranger_api: APIClient, member_api: APIClient, anonymous_api: APIClient, robot: Robot, method: str, path: str
) -> None:
    before = robot.token
    for caller in (stranger_api, member_api):
        assert caller.send(method, f"{ROBOTS}/{path}", "[]").status_code == 403
    assert anonymous_api.send(method, f"{ROBOTS}/{path}", "[]").status_code in (401, 403)
    assert Robot.objects.get().token == before
