"""Organizations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mirrors.models import LogEntry, Mirror, Namespace, Repository, Robot, User
from mirrors.services.accounts import teams
from tests.api.conftest import APIClient
from tests.fixtures.domain import join

ACME = "/api/v1/organization/acme"
PUBLIC = {"name", "email", "avatar", "is_admin", "is_member"}
TEAMS = {"teams", "ordered_teams"}
SETTINGS = {"invoice_email", "invoice_email_address", "tag_expiration_s", "is_free_account"}


def test_a_new_organization_is_administered_by_its_maker(stranger_api: APIClient, stranger: User) -> None:
    response = stranger_api.post("/api/v1/organization/", {"name": "new-org", "email": "team@example.com"})
    assert (response.status_code, response.json()) == (201, "Created")
    body = stranger_api.get("/api/v1/organization/new-org").json()
    assert set(body) == PUBLIC | TEAMS | SETTINGS
    assert (body["name"], body["email"], body["is_admin"], body["is_member"]) == (
        "new-org",
        "team@example.com",
        True,
        True,
    )
    assert body["ordered_teams"] == ["owners"]
    assert (body["teams"]["owners"]["role"], body["teams"]["owners"]["member_count"]) == ("admin", 1)
    entry = LogEntry.objects.get(kind="org_create")
    assert (entry.performer, entry.metadata["email"]) == (stranger, "team@example.com")


@pytest.mark.parametrize("name", ["acme", "owner", "A", "a", "Upper", "a/b", "a b", "-a", "", "x" * 256, 7, None])
def test_taken_and_bad_names_of_organizations_are_refused(api: APIClient, name: object) -> None:
    response = api.post("/api/v1/organization/", {"name": name})
    assert (response.status_code, response.json()["error_type"]) == (400, "invalid_request")
    assert response.json()["message"]


def test_everyone_sees_the_name_members_the_teams_and_administrators_the_rest(
    api: APIClient, anonymous_api: APIClient, member_api: APIClient, organization: Namespace
) -> None:
    Namespace.objects.filter(pk=organization.pk).update(email="acme@example.com")
    for caller, is_member in ((anonymous_api, False), (member_api, True)):
        body = caller.get(ACME).json()
        assert (body["email"], body["is_admin"], body["is_member"]) == ("", False, is_member)
        assert set(body) == PUBLIC | (TEAMS if is_member else set())
    assert set(api.get(ACME).json()) == PUBLIC | TEAMS | SETTINGS
    assert {name: team["can_view"] for name, team in member_api.get(ACME).json()["teams"].items()} == {
        "members": True,
        "owners": False,
    }


def test_a_token_without_the_scope_does_not_see_settings(
    make_api: Callable[..., APIClient], owner: User, organization: Namespace
) -> None:
    body = make_api(owner, scopes=["user:read"]).get(ACME).json()
    assert (body["is_admin"], set(body)) == (False, PUBLIC | TEAMS)


@pytest.mark.parametrize("name", ["missing", "owner"])
def test_what_is_no_organization_is_not_found(api: APIClient, name: str) -> None:
    response = api.get(f"/api/v1/organization/{name}")
    assert (response.status_code, response.json()["error_type"]) == (404, "not_found")


def test_settings_are_changed_and_shown_again(api: APIClient) -> None:
    values = {"invoice_email": True, "invoice_email_address": "bills@example.com", "tag_expiration_s": 86400}
    body = api.put(ACME, {"email": "new@example.com", "ignored": 1, **values}).json()
    assert {key: body[key] for key in values} == values
    assert body["email"] == "new@example.com"
    assert api.get(ACME).json() == body
    assert api.put(ACME, {}).json() == body, "what is not given stays"
    assert api.put(ACME, {"contact_email": "contact@example.com"}).json()["email"] == "contact@example.com"
    assert api.put(ACME, {"email": None, "invoice_email_address": None}).json()["email"] == ""


@pytest.mark.parametrize(
    "body",
    [{"email": "nonsense"}, {"email": 7}, {"tag_expiration_s": -1}, {"tag_expiration_s": "2w"}, {"invoice_email": "x"}],
)
def test_settings_that_cannot_be_are_refused(api: APIClient, body: dict[str, object]) -> None:
    before = api.get(ACME).json()
    assert api.put(ACME, body).status_code == 400
    assert api.get(ACME).json() == before


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("name", ["acme", "missing", "owner"])
def test_strangers_members_and_readers_of_everything_change_no_organization(
    stranger_api: APIClient,
    member_api: APIClient,
    make_api: Callable[..., APIClient],
    make_user: Callable[..., User],
    method: str,
    name: str,
) -> None:
    reader = make_api(make_user("reader", is_readonly_superuser=True), scopes=["org:admin", "super:user"])
    for caller in (stranger_api, member_api):
        assert caller.send(method, f"/api/v1/organization/{name}", "{}").status_code == 403
    assert reader.send(method, "/api/v1/organization/acme", "{}").status_code == 403
    assert Namespace.objects.filter(name="acme").exists()


def test_a_superuser_learns_that_an_organization_is_missing(
    make_api: Callable[..., APIClient], superuser: User
) -> None:
    caller = make_api(superuser, scopes=["org:admin", "super:user"])
    assert caller.put("/api/v1/organization/missing", {}).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_an_organization_is_deleted_with_all_that_is_in_it(api: APIClient, mirror: Mirror, store_dir: Path) -> None:
    response = api.send("DELETE", ACME)
    assert (response.status_code, response.content) == (204, b"")
    assert not Repository.objects.exists()
    assert not Robot.objects.exists()
    assert api.get(ACME).status_code == 404
    assert api.post("/api/v1/organization/", {"name": "acme"}).status_code == 201, "the name is free again"


def test_many_teams_cost_as_many_queries_as_few(
    api: APIClient, organization: Namespace, django_assert_max_num_queries: Callable[..., object]
) -> None:
    for number in range(20):
        join_new(organization, f"team{number}")
    with django_assert_max_num_queries(12):
        assert len(api.get(ACME).json()["teams"]) == 21


def join_new(organization: Namespace, name: str) -> None:
    teams.set_team(organization, name, role="member")


def test_a_creator_is_no_administrator(
    make_api: Callable[..., APIClient], make_user: Callable[..., User], organization: Namespace
) -> None:
    creator = make_user("creator")
    join(organization, creator, role="creator")
    assert make_api(creator).put(ACME, {}).status_code == 403
