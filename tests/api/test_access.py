"""Owner, member, stranger, anonymous, bad token; scopes; sessions and CSRF."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from mirrors.models import AccessToken, Mirror, Repository, User
from tests.api.conftest import BODY, MIRROR, APIClient

WRITES = [
    ("POST", MIRROR, "null"),
    ("PUT", MIRROR, "null"),
    ("POST", f"{MIRROR}/sync-now", ""),
    ("POST", f"{MIRROR}/sync-cancel", ""),
]
CSRF_WORDS = "CSRF token was invalid or missing."


@pytest.mark.parametrize("repository_name", ["acme/app", "acme/missing", "nowhere/app"])
def test_strangers_and_members_learn_nothing(
    stranger_api: APIClient, member_api: APIClient, mirror: Mirror, repository_name: str
) -> None:
    path = f"/api/v1/repository/{repository_name}/mirror"
    for caller in (stranger_api, member_api):
        for method, suffix, body in (
            ("GET", "", ""),
            ("POST", "", "null"),
            ("PUT", "", "null"),
            ("POST", "/sync-now", ""),
            ("POST", "/sync-cancel", ""),
            ("GET", "/syncs", ""),
            ("GET", "/syncs/1", ""),
        ):
            response = caller.send(method, path + suffix, body)
            assert (response.status_code, response.json()["error_type"]) == (403, "insufficient_scope")


def test_a_public_repository_does_not_open_its_mirror(stranger_api: APIClient, mirror: Mirror) -> None:
    Repository.objects.update(visibility="public")
    assert stranger_api.get(MIRROR).status_code == 403
    assert stranger_api.get("/api/v1/repository/acme/app").status_code == 200


def test_the_owner_of_a_missing_repository_learns_that_it_is_missing(api: APIClient) -> None:
    response = api.get(MIRROR)
    assert (response.status_code, response.json()["error_type"]) == (404, "not_found")
    assert "message" not in response.json()


def test_a_superuser_needs_the_scope_for_it(
    make_api: Callable[..., APIClient], superuser: User, mirror: Mirror
) -> None:
    assert make_api(superuser, scopes=["repo:admin"]).get(MIRROR).status_code == 403
    powerful = make_api(superuser, scopes=["repo:admin", "super:user"])
    assert powerful.get(MIRROR).status_code == 200
    assert powerful.get("/api/v1/repository/acme/missing/mirror").status_code == 404
    superuser.refresh_from_db()
    assert superuser.is_superuser


def test_anonymous_reads_are_401_and_writes_are_refused_for_want_of_a_csrf_token(
    anonymous_api: APIClient, mirror: Mirror
) -> None:
    response = anonymous_api.get(MIRROR)
    assert (response.status_code, response.json()["error_type"]) == (401, "invalid_token")
    assert anonymous_api.send("HEAD", "/api/v1/user/").status_code == 401
    for method, path, body in WRITES:
        response = anonymous_api.send(method, path, body)
        assert (response.status_code, response.json()["error"]) == (403, CSRF_WORDS)


def test_a_bad_token_is_401_whatever_the_method(bad_token_api: APIClient, mirror: Mirror) -> None:
    for method, path, body in [("GET", MIRROR, ""), *WRITES]:
        response = bad_token_api.send(method, path, body)
        assert (response.status_code, response.json()["error_type"]) == (401, "invalid_token")


def test_tokens_of_inactive_users_and_expired_tokens_are_bad(api: APIClient, owner: User, mirror: Mirror) -> None:
    AccessToken.objects.update(expires_at="2020-01-01T00:00:00Z")
    assert api.get(MIRROR).status_code == 401
    AccessToken.objects.update(expires_at=None)
    assert api.get(MIRROR).status_code == 200
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert api.get(MIRROR).status_code == 401


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("repo:admin", "GET", MIRROR),
        ("repo:admin", "POST", MIRROR),
        ("repo:admin", "PUT", MIRROR),
        ("repo:admin", "POST", f"{MIRROR}/sync-now"),
        ("repo:admin", "POST", f"{MIRROR}/sync-cancel"),
        ("repo:admin", "GET", f"{MIRROR}/syncs"),
        ("repo:read", "GET", "/api/v1/repository/acme/app"),
        ("repo:create", "POST", "/api/v1/repository"),
        ("user:read", "GET", "/api/v1/user/"),
        ("user:admin", "POST", "/api/v1/organization/"),
        ("user:admin", "PUT", "/api/v1/user/robots/ci"),
        ("org:admin", "PUT", "/api/v1/organization/acme/robots/ci"),
        ("org:admin", "GET", "/api/v1/organization/acme/robots/ci"),
        ("org:admin", "DELETE", "/api/v1/organization/acme/robots/ci"),
        ("org:admin", "GET", "/api/v1/organization/acme/robots"),
    ],
)
def test_a_token_without_the_scope_is_refused(
    make_api: Callable[..., APIClient], owner: User, mirror: Mirror, scope: str, method: str, path: str
) -> None:
    upper = {"repo:read": {"repo:admin", "repo:write"}, "user:read": {"user:admin"}, "repo:create": {"org:admin"}}
    others = {"repo:read", "repo:write", "repo:admin", "repo:create", "user:read", "user:admin", "org:admin"}
    others -= {scope} | upper.get(scope, set())
    response = make_api(owner, scopes=sorted(others)).send(method, path, "null" if method != "GET" else "")
    assert (response.status_code, response.json()["error_type"]) == (403, "insufficient_scope")
    assert scope in response.json()["detail"]
    response = make_api(owner, scopes=[scope]).send(method, path, "null" if method != "GET" else "")
    assert response.status_code not in (401, 403)


def test_a_session_reads_at_once_and_writes_with_its_csrf_token(owner: User, mirror: Mirror, rung: list[int]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    assert client.get(MIRROR).status_code == 200
    refused = client.post(f"{MIRROR}/sync-now")
    assert (refused.status_code, refused.json()["error"]) == (403, CSRF_WORDS)
    token = "a" * 32
    client.cookies["csrftoken"] = token
    body: Any = json.dumps({"sync_interval": 60})
    headers = {"X-CSRFToken": token}
    assert client.put(MIRROR, body, content_type="application/json", headers=headers).status_code == 201
    assert client.post(f"{MIRROR}/sync-now", headers=headers).status_code == 204


def test_basic_authentication_does_not_open_the_api(owner: User, mirror: Mirror) -> None:
    response = Client().get(MIRROR, headers={"Authorization": "Basic b3duZXI6eA=="})
    assert (response.status_code, response.json()["error_type"]) == (401, "invalid_token")


def test_the_right_to_administer_one_repository_is_enough(
    stranger_api: APIClient, stranger: User, repository: Repository, robot: object
) -> None:
    repository.permissions.create(user=stranger, role="write")
    assert stranger_api.post(MIRROR, BODY).status_code == 403
    repository.permissions.update(role="admin")
    assert stranger_api.post(MIRROR, BODY).status_code == 201
