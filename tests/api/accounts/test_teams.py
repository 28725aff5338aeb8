"""Teams and who is in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mirrors.models import Namespace, Repository, Robot, Team, User
from mirrors.services.accounts import teams
from tests.api.conftest import APIClient

TEAM = "/api/v1/organization/acme/team"


def test_a_team_is_made_changed_and_removed(api: APIClient) -> None:
    made = api.put(f"{TEAM}/readers", {"name": "readers", "role": "member", "description": "They read"})
    assert made.status_code == 200
    assert (
        made.json().items()
        >= {
            "name": "readers",
            "role": "member",
            "description": "They read",
            "new_team": True,
            "member_count": 0,
        }.items()
    )
    changed = api.put(f"{TEAM}/readers", {"role": "creator"}).json()
    assert (changed["role"], changed["description"], changed["new_team"]) == ("creator", "They read", False)
    assert api.get("/api/v1/organization/acme").json()["teams"]["readers"]["role"] == "creator"
    response = api.send("DELETE", f"{TEAM}/readers")
    assert (response.status_code, response.content) == (204, b"")
    assert api.send("DELETE", f"{TEAM}/readers").status_code == 404


@pytest.mark.parametrize("name", ["dev-ops", "site_reliability", "v2.team", "2nd-level"])
def test_a_team_may_have_any_name_that_quay_takes(api: APIClient, repository: Repository, name: str) -> None:
    assert api.put(f"{TEAM}/{name}", {"role": "member"}).json()["name"] == name
    assert name in api.get("/api/v1/organization/acme").json()["teams"]
    assert api.put(f"/api/v1/repository/acme/app/permissions/team/{name}", {"role": "read"}).status_code == 200


@pytest.mark.parametrize("name", ["a", "Upper", "a--b", "-a", "a b", "x" * 256])
def test_a_bad_name_of_a_team_is_refused(api: APIClient, name: str) -> None:
    response = api.put(f"{TEAM}/{name}", {"role": "member"})
    assert (response.status_code, response.json()["error_type"]) == (400, "invalid_request")
    assert not Team.objects.filter(name=name).exists()


@pytest.mark.parametrize("body", [{}, {"role": "king"}, {"role": None}, {"role": "member", "description": 7}])
def test_a_team_needs_a_role_that_exists(api: APIClient, body: dict[str, object]) -> None:
    assert api.put(f"{TEAM}/readers", body).status_code == 400
    assert not Team.objects.filter(name="readers").exists()


def test_members_are_put_in_listed_and_taken_out(api: APIClient, stranger: User, robot: Robot) -> None:
    api.put(f"{TEAM}/readers", {"role": "member"})
    person = api.put(f"{TEAM}/readers/members/stranger", {}).json()
    assert (person["name"], person["kind"], person["is_robot"], person["invited"]) == ("stranger", "user", False, False)
    machine = api.send("PUT", f"{TEAM}/readers/members/acme+mirror", content_type="").json()
    assert (machine["name"], machine["is_robot"], machine["avatar"]) == ("acme+mirror", True, None)

    listed = api.get(f"{TEAM}/readers/members", includePending="True").json()

    assert (listed["name"], listed["can_edit"]) == ("readers", True)
    assert listed["members"] == [person, machine]
    assert api.send("DELETE", f"{TEAM}/readers/members/acme+mirror").status_code == 204
    assert [one["name"] for one in api.get(f"{TEAM}/readers/members").json()["members"]] == ["stranger"]
    again = api.send("DELETE", f"{TEAM}/readers/members/acme+mirror")
    assert (again.status_code, again.json()["message"]) == (
        400,
        "acme+mirror is not a member of the team readers.",
    )


def test_the_last_administrator_is_kept_with_a_reason(api: APIClient) -> None:
    text = "This would leave acme without an administrator: put another user into a team with the role admin first."
    for response in (
        api.send("DELETE", f"{TEAM}/owners/members/owner"),
        api.send("DELETE", f"{TEAM}/owners"),
        api.put(f"{TEAM}/owners", {"role": "member"}),
    ):
        assert (response.status_code, response.json()["message"]) == (400, text)


def test_an_unknown_account_is_refused(api: APIClient) -> None:
    response = api.put(f"{TEAM}/owners/members/nobody", {})
    assert (response.status_code, response.json()["message"]) == (400, "Unknown user: there is nobody named nobody.")
    assert api.put(f"{TEAM}/nothing/members/owner", {}).status_code == 404


def test_members_see_who_is_in_their_own_teams_alone(api: APIClient, member_api: APIClient) -> None:
    body = member_api.get(f"{TEAM}/members/members").json()
    assert ([one["name"] for one in body["members"]], body["can_edit"]) == (["member"], False)
    assert member_api.get(f"{TEAM}/owners/members").status_code == 403
    assert member_api.get(f"{TEAM}/nothing/members").status_code == 404


def test_a_read_only_superuser_sees_teams_and_changes_none(
    make_api: Callable[..., APIClient], make_user: Callable[..., User], organization: Namespace
) -> None:
    reader = make_api(make_user("reader", is_readonly_superuser=True), scopes=["org:admin", "super:user"])
    assert reader.get(f"{TEAM}/owners/members").json()["can_edit"] is False
    assert "owners" in reader.get("/api/v1/organization/acme").json()["teams"]
    assert reader.put(f"{TEAM}/new", {"role": "admin"}).status_code == 403
    assert reader.put(f"{TEAM}/owners/members/reader", {}).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "owners"),
        ("DELETE", "owners"),
        ("GET", "owners/members"),
        ("PUT", "owners/members/stranger"),
        ("DELETE", "owners/members/owner"),
    ],
)
def test_teams_are_no_business_of_strangers(
    stranger_api: APIClient, anonymous_api: APIClient, organization: Namespace, method: str, path: str
) -> None:
    body = '{"role": "admin"}'
    assert stranger_api.send(method, f"{TEAM}/{path}", body).status_code == 403
    assert anonymous_api.send(method, f"{TEAM}/{path}", body).status_code in (401, 403)
    assert Team.objects.get().members.get().user is not None


def test_many_members_cost_as_many_queries_as_few(
    api: APIClient, organization: Namespace, make_user: Callable[..., User]
) -> None:
    owners = teams.find_team(organization, "owners")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(f"{TEAM}/owners/members").status_code == 200
        return len(captured)

    queries()  # which notes that the token is in use
    few = queries()
    for number in range(20):
        make_user(f"user{number}")
        teams.add_member(owners, f"user{number}")
    assert queries() == few
