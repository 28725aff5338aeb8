"""Who is answered what on the routes of mirroring: the statuses that Quay's own security tests expect."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from mirrors.models import Namespace, Repository, User
from mirrors.services.accounts import access_tokens
from tests.fixtures.domain import join

REPOSITORY = "/api/v1/repository/acme/app"
ORGANIZATION = "/api/v1/organization/acme"
ALL = ["repo:admin", "repo:create", "user:admin", "org:admin", "super:user"]
CALLERS = ("anonymous", "superuser", "reader", "stranger", "auditor")
NO_BODY = object()

Call = Callable[..., int]


@pytest.fixture
def call(
    repository: Repository, make_user: Callable[..., User], superuser: User, stranger: User, organization: Namespace
) -> Call:
    """`call("reader", "GET", path, body)` gives the status. As in Quay's tests, everyone has a valid CSRF token."""
    reader = make_user("reader")
    join(organization, reader, role="member")
    auditor = make_user("auditor", is_readonly_superuser=True)
    accounts = {"superuser": superuser, "reader": reader, "stranger": stranger, "auditor": auditor}
    tokens = {name: access_tokens.issue_token(user, name="test", scopes=ALL)[1] for name, user in accounts.items()}

    def status(caller: str, method: str, path: str, body: Any = NO_BODY) -> int:
        headers = {"Authorization": f"Bearer {tokens[caller]}"} if caller in tokens else {}
        data = "" if body is NO_BODY else json.dumps(body)
        response = Client().generic(method, path, data, content_type="application/json", headers=headers)
        return response.status_code

    return status


def statuses(call: Call, method: str, path: str, body: Any = NO_BODY) -> dict[str, int]:
    return {caller: call(caller, method, path, body) for caller in CALLERS}


def test_reading_a_mirror_that_is_not_there(call: Call) -> None:
    wanted = {"anonymous": 401, "superuser": 404, "reader": 403, "stranger": 403, "auditor": 404}
    assert statuses(call, "GET", f"{REPOSITORY}/mirror") == wanted


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_mirror_without_a_body(call: Call, method: str) -> None:
    wanted = {"anonymous": 401, "superuser": 400, "reader": 403, "stranger": 403, "auditor": 403}
    assert statuses(call, method, f"{REPOSITORY}/mirror", None) == wanted


@pytest.mark.parametrize("command", ["sync-now", "sync-cancel"])
def test_commands_where_there_is_no_mirror(call: Call, command: str) -> None:
    wanted = {"anonymous": 401, "superuser": 404, "reader": 403, "stranger": 403, "auditor": 403}
    assert statuses(call, "POST", f"{REPOSITORY}/mirror/{command}") == wanted


def test_changing_the_state_without_a_body(call: Call) -> None:
    wanted = {"anonymous": 401, "superuser": 400, "reader": 403, "stranger": 403, "auditor": 403}
    assert statuses(call, "PUT", f"{REPOSITORY}/changestate", None) == wanted


@pytest.mark.parametrize(("method", "path"), [("GET", "mirror"), ("GET", "mirror/repositories")])
def test_reading_an_organization_mirror_that_is_not_there(call: Call, method: str, path: str) -> None:
    wanted = {"anonymous": 401, "superuser": 404, "reader": 403, "stranger": 403, "auditor": 404}
    assert statuses(call, method, f"{ORGANIZATION}/{path}") == wanted


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "mirror", {}),
        ("DELETE", "mirror", NO_BODY),
        ("POST", "mirror/sync-now", NO_BODY),
        ("POST", "mirror/sync-cancel", NO_BODY),
        ("POST", "mirror/verify", NO_BODY),
    ],
)
def test_changing_an_organization_mirror_that_is_not_there(call: Call, method: str, path: str, body: Any) -> None:
    wanted = {"anonymous": 401, "superuser": 404, "reader": 403, "stranger": 403, "auditor": 403}
    assert statuses(call, method, f"{ORGANIZATION}/{path}", body) == wanted


def test_an_empty_body_for_a_new_organization_mirror_is_refused_before_anybody_is_asked_who_they_are(
    call: Call,
) -> None:
    assert set(statuses(call, "POST", f"{ORGANIZATION}/mirror", {}).values()) == {400}


def test_the_health_of_the_farm(call: Call) -> None:
    wanted = {"anonymous": 401, "superuser": 200, "reader": 403, "stranger": 403, "auditor": 200}
    assert statuses(call, "GET", "/api/v1/repository/mirror/health") == wanted
    assert statuses(call, "GET", "/api/v1/superuser/mirror/health") == wanted
