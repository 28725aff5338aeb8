"""Roles of users, robots and teams on a repository."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mirrors.models import LogEntry, Namespace, Repository, RepositoryPermission, Robot, Team, User
from tests.api.conftest import APIClient
from tests.fixtures.domain import join

PATH = "/api/v1/repository/acme/app/permissions"


def without_avatar(entry: dict[str, Any]) -> dict[str, Any]:
    assert entry.pop("avatar")["name"] == entry["name"]
    return entry


@pytest.fixture
def team(organization: Namespace, stranger: User) -> Team:
    """The team `members`, in which the stranger is, who is none any more."""
    return join(organization, stranger, role="member")


def test_users_and_robots_get_change_and_lose_roles(
    api: APIClient, repository: Repository, robot: Robot, stranger: User
) -> None:
    for name, is_robot, is_member in (("stranger", False, False), ("acme+mirror", True, True)):
        for role in ("read", "admin", "write"):
            answer = api.put(f"{PATH}/user/{name}", {"role": role})
            entry = {"role": role, "name": name, "is_robot": is_robot, "is_org_member": is_member}
            assert (answer.status_code, without_avatar(answer.json())) == (200, entry)
            assert without_avatar(api.get(f"{PATH}/user/{name}").json()) == entry
    listed = api.get(f"{PATH}/user/").json()["permissions"]
    assert {name: entry["role"] for name, entry in listed.items()} == {"stranger": "write", "acme+mirror": "write"}
    for name in ("stranger", "acme+mirror"):
        assert api.send("DELETE", f"{PATH}/user/{name}").status_code == 204
        answer = api.send("DELETE", f"{PATH}/user/{name}")
        assert (answer.status_code, answer.json()["message"]) == (400, "User does not have permission for repo.")
        assert api.get(f"{PATH}/user/{name}").status_code == 400
    assert api.get(f"{PATH}/user/").json() == {"permissions": {}}


def test_a_role_is_worth_something_at_once(api: APIClient, stranger_api: APIClient, repository: Repository) -> None:
    assert stranger_api.get("/api/v1/repository/acme/app").status_code == 403
    api.put(f"{PATH}/user/stranger", {"role": "read"})
    assert stranger_api.get("/api/v1/repository/acme/app").status_code == 200
    api.send("DELETE", f"{PATH}/user/stranger")
    assert stranger_api.get("/api/v1/repository/acme/app").status_code == 403


def test_teams_get_change_and_lose_roles_and_their_members_with_them(
    api: APIClient, stranger_api: APIClient, repository: Repository, team: Team
) -> None:
    for role in ("read", "write"):
        answer = api.put(f"{PATH}/team/members", {"role": role})
        assert (answer.status_code, without_avatar(answer.json())) == (200, {"role": role, "name": "members"})
        assert without_avatar(api.get(f"{PATH}/team/members").json()) == {"role": role, "name": "members"}
    assert list(api.get(f"{PATH}/team/").json()["permissions"]) == ["members"]
    assert api.get(f"{PATH}/user/").json() == {"permissions": {}}
    assert stranger_api.get("/api/v1/repository/acme/app").json()["can_write"] is True
    transitive = api.get(f"{PATH}/user/stranger/transitive").json()
    assert transitive == {"permissions": [{"role": "write"}]}

    assert api.send("DELETE", f"{PATH}/team/members").status_code == 204
    answer = api.send("DELETE", f"{PATH}/team/members")
    assert (answer.status_code, answer.json()["message"]) == (400, "Team does not have permission for repo.")
    assert stranger_api.get("/api/v1/repository/acme/app").status_code == 403


@pytest.mark.parametrize("kind", ["user", "team"])
@pytest.mark.parametrize("name", ["unknown", "acme+unknown", "-", "ä"])
def test_unknown_names_are_refused(api: APIClient, repository: Repository, kind: str, name: str) -> None:
    assert api.put(f"{PATH}/{kind}/{name}", {"role": "read"}).status_code == 400
    assert api.get(f"{PATH}/{kind}/{name}").status_code == 400
    assert api.send("DELETE", f"{PATH}/{kind}/{name}").status_code == 400
    assert not RepositoryPermission.objects.exists()


def test_a_team_of_another_organization_is_unknown(api: APIClient, repository: Repository) -> None:
    Team.objects.create(namespace=Namespace.objects.create(name="other"), name="strangers")
    assert api.put(f"{PATH}/team/strangers", {"role": "read"}).status_code == 400


@pytest.mark.parametrize("body", [None, {}, {"role": "owner"}, {"role": None}])
def test_other_roles_are_refused(api: APIClient, repository: Repository, robot: Robot, body: Any) -> None:
    assert api.put(f"{PATH}/user/acme+mirror", body).status_code == 400


def test_the_owner_of_a_space_keeps_every_right(make_api: Callable[..., APIClient], stranger: User) -> None:
    Repository.objects.create(namespace=stranger.namespace, name="mine")
    path = "/api/v1/repository/stranger/mine/permissions/user"
    answer = make_api(stranger).put(f"{path}/stranger", {"role": "read"})
    assert (answer.status_code, answer.json()["message"]) == (400, "Namespace owner must always be admin.")
    assert "is_org_member" not in make_api(stranger).get(f"{path}/").json()["permissions"]


def test_roles_are_in_the_log(api: APIClient, repository: Repository, stranger: User, team: Team) -> None:
    api.put(f"{PATH}/user/stranger", {"role": "read"})
    api.send("DELETE", f"{PATH}/user/stranger")
    api.put(f"{PATH}/team/members", {"role": "admin"})
    api.send("DELETE", f"{PATH}/team/members")

    entries = LogEntry.objects.filter(kind__endswith="repo_permission").order_by("pk")
    found = [(entry.kind, entry.metadata["username"], entry.metadata.get("team")) for entry in entries]
    assert found == [
        ("change_repo_permission", "stranger", None),
        ("delete_repo_permission", "stranger", None),
        ("change_repo_permission", "owner", "members"),  # the user name is that of who calls
        ("delete_repo_permission", "owner", "members"),
    ]
    assert [entry.metadata.get("role") for entry in entries] == ["read", None, "admin", None]


def test_lists_take_as_many_queries_for_many_roles_as_for_few(
    api: APIClient, repository: Repository, organization: Namespace, make_user: Callable[..., User]
) -> None:
    def add(first: int, last: int) -> None:
        for number in range(first, last):
            repository.permissions.create(user=make_user(f"user{number}"), role="read")
            robot = Robot.objects.create(namespace=organization, name=f"r{number}")
            repository.permissions.create(robot=robot, role="read")
            team = Team.objects.create(namespace=organization, name=f"team{number}")
            repository.permissions.create(team=team, role="read")

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.get(f"{PATH}/user/").status_code == api.get(f"{PATH}/team/").status_code == 200
        return len(queries)

    add(0, 2)
    api.get(f"{PATH}/user/")  # notes the use of the token
    few = count()
    add(2, 20)
    assert count() == few
