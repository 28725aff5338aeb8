"""Finding accounts by the beginning of their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mirrors.models import Namespace, Robot, User
from mirrors.services.accounts import robots, teams
from tests.api.conftest import APIClient


def found(api: APIClient, prefix: str, **query: Any) -> list[tuple[str, str]]:
    response = api.get(f"/api/v1/entities/{prefix}", **query)
    assert response.status_code == 200
    return [(one["name"], one["kind"]) for one in response.json()["results"]]


def test_users_are_found_by_how_their_names_begin(
    anonymous_api: APIClient, make_user: Callable[..., User], organization: Namespace
) -> None:
    for name in ("ada", "adam", "bob"):
        make_user(name)
    assert found(anonymous_api, "ada") == [("ada", "user"), ("adam", "user")]
    assert found(anonymous_api, "ADA") == [("ada", "user"), ("adam", "user")]
    assert found(anonymous_api, "d") == []
    assert found(anonymous_api, "%") == []


def test_an_exact_name_is_never_cut_off(anonymous_api: APIClient, make_user: Callable[..., User]) -> None:
    for number in range(12):
        make_user(f"ada-{number}")
    make_user("ada0")
    make_user("ada")
    names = [name for name, _ in found(anonymous_api, "ada")]
    assert (names[0], len(names)) == ("ada", 10)


def test_robots_and_teams_of_a_namespace_are_found_by_its_members(
    api: APIClient, member_api: APIClient, robot: Robot, organization: Namespace
) -> None:
    teams.set_team(organization, "minders", role="member")
    for caller in (api, member_api):
        assert found(caller, "acme+mi", namespace="acme") == [("acme+mirror", "user")]
        assert found(caller, "mi", namespace="acme", includeTeams="true") == [("minders", "team")]
        assert found(caller, "acme", namespace="acme") == [("acme+mirror", "user")]
    result = api.get("/api/v1/entities/acme+mirror", namespace="acme").json()["results"][0]
    assert (result["is_robot"], result["is_org_member"]) == (True, True)


@pytest.mark.parametrize("word", ["false", "False", "FALSE", "0", "null", ""])
def test_quays_words_for_no_are_no(api: APIClient, organization: Namespace, word: str) -> None:
    query = {"namespace": "acme", "includeTeams": word, "includeOrgs": word}
    assert found(api, "own", **query) == [("owner", "user")]
    assert found(api, "acme", **query) == []


def test_organizations_are_found_when_asked_for(anonymous_api: APIClient, organization: Namespace) -> None:
    assert found(anonymous_api, "ac", includeOrgs="True") == [("acme", "org")]
    assert found(anonymous_api, "ac", includeOrgs="True", namespace="owner") == []


def test_strangers_find_no_teams_robots_or_memberships(
    stranger_api: APIClient, anonymous_api: APIClient, robot: Robot, make_api: Callable[..., APIClient], owner: User
) -> None:
    query = {"namespace": "acme", "includeTeams": "true"}
    for caller in (stranger_api, anonymous_api, make_api(owner, scopes=["repo:read"])):
        assert found(caller, "acme+m", **query) == []
        (only,) = caller.get("/api/v1/entities/owner", **query).json()["results"]
        assert (only["name"], "is_org_member" in only) == ("owner", False)


def test_members_are_told_who_belongs(api: APIClient, organization: Namespace, stranger: User) -> None:
    for name, belongs in (("owner", True), ("stranger", False)):
        (only,) = api.get(f"/api/v1/entities/{name}", namespace="acme").json()["results"]
        assert only["is_org_member"] is belongs


def test_ones_own_robots_are_found_in_ones_own_space(api: APIClient, stranger_api: APIClient, owner: User) -> None:
    robots.create_robot(Namespace.objects.get(user=owner), "ci")
    assert found(api, "owner", namespace="owner") == [("owner", "user"), ("owner+ci", "user")]
    assert found(stranger_api, "owner", namespace="owner") == [("owner", "user")]


def test_a_namespace_that_no_database_could_hold_is_refused(api: APIClient) -> None:
    assert api.get("/api/v1/entities/a", namespace="a\0b").status_code == 400


def test_a_search_costs_the_same_however_much_there_is(
    api: APIClient, organization: Namespace, make_user: Callable[..., User]
) -> None:
    query = {"namespace": "acme", "includeTeams": "true", "includeOrgs": "true"}
    make_user("aaron")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            found(api, "a", **query)
        return len(captured)

    queries()  # which notes that the token is in use
    few = queries()
    for number in range(20):
        make_user(f"a{number}")
        robots.create_robot(organization, f"a{number}")
        teams.set_team(organization, f"a{number}", role="member")
    assert queries() == few


def test_there_is_no_external_directory_to_link_from(api: APIClient, anonymous_api: APIClient) -> None:
    assert api.post("/api/v1/entities/link/ada", {}).status_code == 404
    assert anonymous_api.post("/api/v1/entities/link/ada", {}).status_code == 403
