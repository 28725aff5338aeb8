"""What superusers may do with everybody's accounts and every organization."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mirrors.models import Namespace, Repository, User
from mirrors.services.accounts import organizations, registry_tokens
from tests.api.conftest import ALL_SCOPES, APIClient

USERS = "/api/v1/superuser/users/"
ORGANIZATIONS = "/api/v1/superuser/organizations/"
SCOPES = [*ALL_SCOPES, "super:user"]


@pytest.fixture
def root_api(make_api: Callable[..., APIClient], superuser: User) -> APIClient:
    return make_api(superuser, scopes=SCOPES)


@pytest.fixture
def reader_api(make_api: Callable[..., APIClient], make_user: Callable[..., User]) -> APIClient:
    return make_api(make_user("reader", is_readonly_superuser=True), scopes=SCOPES)


def test_an_account_is_made_with_a_password_that_signs_in(root_api: APIClient) -> None:
    response = root_api.post(USERS, {"username": "ada", "email": "ada@example.com"})
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"username", "email", "password", "encrypted_password"}
    for password in (body["password"], body["encrypted_password"]):
        assert registry_tokens.authenticate_account("ada", password) == User.objects.get(username="ada")
    assert root_api.post(USERS, {"username": "bob"}).json()["email"] == ""


@pytest.mark.parametrize(
    "body", [{"username": "root"}, {"username": "acme"}, {"username": "A b"}, {}, {"username": "ada", "email": "no"}]
)
def test_a_bad_new_account_is_refused(root_api: APIClient, organization: Namespace, body: dict[str, str]) -> None:
    response = root_api.post(USERS, body)
    assert (response.status_code, response.json()["error_type"]) == (400, "invalid_request")


def test_an_account_is_shown_changed_and_removed(root_api: APIClient, stranger: User) -> None:
    body = root_api.get(f"{USERS}stranger").json()
    assert (body["kind"], body["name"], body["enabled"], body["super_user"]) == ("user", "stranger", True, False)

    changed = root_api.put(f"{USERS}stranger", {"email": "s@example.com", "password": "another-7Qx-word"})

    assert (changed.status_code, changed.json()["email"]) == (200, "s@example.com")
    assert User.objects.get(pk=stranger.pk).check_password("another-7Qx-word")
    assert root_api.put(f"{USERS}stranger", {"enabled": False, "email": None}).json()["enabled"] is False
    assert root_api.send("DELETE", f"{USERS}stranger").status_code == 204
    for method in ("GET", "PUT", "DELETE"):
        assert root_api.send(method, f"{USERS}stranger", "{}").status_code == 404


@pytest.mark.parametrize("body", [{"password": "short"}, {"email": "nonsense"}, {"enabled": "yes"}, {"password": 7}])
def test_a_bad_change_of_an_account_is_refused(root_api: APIClient, stranger: User, body: dict[str, object]) -> None:
    assert root_api.put(f"{USERS}stranger", body).status_code == 400


def test_a_superuser_is_not_changed_this_way(root_api: APIClient) -> None:
    for response in (root_api.put(f"{USERS}root", {"enabled": False}), root_api.send("DELETE", f"{USERS}root")):
        assert response.status_code == 400
        assert response.json()["message"].startswith("root is a superuser and cannot be")


def test_users_are_listed_page_by_page(root_api: APIClient, make_user: Callable[..., User]) -> None:
    for name in ("ada", "bob", "eve"):
        make_user(name, is_active=name != "bob")
    first = root_api.get(USERS, limit=2).json()
    second = root_api.get(USERS, limit=2, next_page=first["next_page"]).json()
    assert [user["name"] for user in first["users"] + second["users"]] == ["ada", "bob", "eve", "root"]
    assert "next_page" not in second
    enabled = root_api.get(USERS, disabled="false").json()["users"]
    assert [user["name"] for user in enabled] == ["ada", "eve", "root"]
    assert root_api.get(ORGANIZATIONS, next_page=first["next_page"]).status_code == 400


def test_long_lists_cost_as_many_queries_as_short_ones(
    root_api: APIClient, make_user: Callable[..., User], superuser: User
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert root_api.get(USERS).status_code == root_api.get(ORGANIZATIONS).status_code == 200
        return len(captured)

    queries()  # which notes that the token is in use
    few = queries()
    for number in range(20):
        organizations.create_organization(f"org{number}", by=make_user(f"user{number}"))
    assert queries() == few


def test_organizations_are_listed_renamed_and_removed(root_api: APIClient, organization: Namespace) -> None:
    (one,) = root_api.get(ORGANIZATIONS).json()["organizations"]
    assert one["name"] == "acme"
    renamed = root_api.put(f"{ORGANIZATIONS}acme", {"name": "umbrella", "email": "u@example.com"})
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["email"]) == (200, "umbrella", "u@example.com")
    assert root_api.send("DELETE", f"{ORGANIZATIONS}umbrella").status_code == 204
    assert root_api.get("/api/v1/organization/umbrella").status_code == 404


def test_an_organization_with_repositories_keeps_its_name(root_api: APIClient, repository: Repository) -> None:
    response = root_api.put(f"{ORGANIZATIONS}acme", {"name": "umbrella", "email": "u@example.com"})
    assert response.status_code == 400
    assert response.json()["message"].startswith("acme has repositories")
    assert Namespace.objects.get(name="acme").email == "", "nothing is changed"


@pytest.mark.parametrize("path", [USERS, f"{USERS}owner", ORGANIZATIONS])
def test_only_superusers_look_and_read_only_ones_do(
    api: APIClient,
    anonymous_api: APIClient,
    reader_api: APIClient,
    make_api: Callable[..., APIClient],
    superuser: User,
    owner: User,
    path: str,
) -> None:
    assert reader_api.get(path).status_code == 200
    assert make_api(superuser).get(path).status_code == 403, "its token lacks the scope"
    assert make_api(owner, scopes=SCOPES).get(path).status_code == 403
    assert anonymous_api.get(path).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", USERS),
        ("PUT", f"{USERS}owner"),
        ("DELETE", f"{USERS}owner"),
        ("PUT", f"{ORGANIZATIONS}acme"),
        ("DELETE", f"{ORGANIZATIONS}acme"),
    ],
)
def test_only_superusers_change_anything(
    reader_api: APIClient,
    make_api: Callable[..., APIClient],
    owner: User,
    organization: Namespace,
    method: str,
    path: str,
) -> None:
    for caller in (reader_api, make_api(owner, scopes=SCOPES)):
        assert caller.send(method, path, '{"username": "ada"}').status_code == 403
    assert User.objects.filter(username="owner").exists()
