"""Who calls, and who others are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mirrors.models import Namespace, User
from mirrors.services.accounts import organizations
from tests.api.conftest import ALL_SCOPES, APIClient


def test_the_user_behind_the_token(api: APIClient, anonymous_api: APIClient) -> None:
    body = api.get("/api/v1/user/").json()
    assert (body["username"], body["anonymous"], body["super_user"]) == ("owner", False, False)
    assert [(one["name"], one["is_org_admin"]) for one in body["organizations"]] == [("acme", True)]
    refused = anonymous_api.get("/api/v1/user/")
    assert refused.status_code == 401
    assert (refused.json()["error_type"], refused.json()["session_required"]) == ("invalid_token", False)


def test_what_is_private_needs_the_scope_for_it(make_api: Callable[..., APIClient], owner: User) -> None:
    private = {"email", "invoice_email", "tag_expiration_s"}
    assert private <= set(make_api(owner).get("/api/v1/user/").json())
    assert not private & set(make_api(owner, scopes=["user:read"]).get("/api/v1/user/").json())
    assert make_api(owner, scopes=["repo:read"]).get("/api/v1/user/").status_code == 403


def test_a_token_says_of_organizations_what_it_may_do_itself(
    make_api: Callable[..., APIClient], owner: User, organization: Namespace
) -> None:
    (one,) = make_api(owner, scopes=["user:read"]).get("/api/v1/user/").json()["organizations"]
    assert (one["name"], one["is_org_admin"], one["can_create_repo"]) == ("acme", False, False)


def test_superusers_and_read_only_superusers_are_told_apart(
    make_api: Callable[..., APIClient], superuser: User, make_user: Callable[..., User]
) -> None:
    scopes = [*ALL_SCOPES, "super:user"]
    reader = make_user("reader", is_readonly_superuser=True)
    for user, expected in ((superuser, (True, False)), (reader, (False, True))):
        body = make_api(user, scopes=scopes).get("/api/v1/user/").json()
        assert (body["super_user"], body["global_readonly_super_user"]) == expected
    assert make_api(superuser).get("/api/v1/user/").json()["super_user"] is False, "without the scope"


def test_many_organizations_cost_as_many_queries_as_few(api: APIClient, owner: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get("/api/v1/user/").status_code == 200
        return len(captured)

    queries()  # which notes that the token is in use
    few = queries()
    for number in range(20):
        organizations.create_organization(f"org{number}", by=owner)
    assert queries() == few
    assert len(api.get("/api/v1/user/").json()["organizations"]) == 21


@pytest.mark.parametrize("slash", ["", "/"])
def test_anyone_may_ask_whether_there_is_such_a_user(anonymous_api: APIClient, stranger: User, slash: str) -> None:
    body: dict[str, Any] = anonymous_api.get(f"/api/v1/users/stranger{slash}").json()
    assert set(body) == {"anonymous", "username", "avatar"}
    missing = anonymous_api.get(f"/api/v1/users/nobody{slash}")
    assert (missing.status_code, missing.json()["error_type"]) == (404, "not_found")


def test_an_organization_is_no_user(api: APIClient, organization: Namespace) -> None:
    assert api.get("/api/v1/users/acme").status_code == 404


def test_ones_own_account_is_shown_in_full(api: APIClient, stranger: User) -> None:
    assert api.get("/api/v1/users/owner").json() == api.get("/api/v1/user/").json()
    assert "email" not in api.get("/api/v1/users/stranger").json()
