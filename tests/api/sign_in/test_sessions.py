"""A session in place of an access token: the CSRF token, signing in and out, and what the audit log keeps of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from mirrors.models import LogEntry, User
from mirrors.services.accounts.sign_in_throttle import ACCOUNT_HERE
from tests.api.answers import check_answer
from tests.fixtures.domain import PASSWORD

pytestmark = pytest.mark.django_db
SIGN_IN, SIGN_OUT = "/api/v1/signin", "/api/v1/signout"


class Visitor:
    """A client with cookies and Quay's header, as the contract's clients send it."""

    def __init__(self, *, secure: bool = False) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.secure = secure
        self.token = self.client.get("/csrf_token", secure=secure).json()["csrf_token"]

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """POST this as JSON with the CSRF token."""
        sent = {"X-CSRF-Token": self.token} | headers
        response = self.client.post(
            path, json.dumps(body), content_type="application/json", headers=sent, secure=self.secure
        )
        check_answer(response)
        return response

    def sign_in(self, username: str = "owner", password: str = PASSWORD) -> HttpResponse:
        """Sign in, and go on with the next token."""
        response = self.post(SIGN_IN, {"username": username, "password": password})
        self.token = response.headers.get("X-Next-CSRF-Token", self.token)
        return response


@pytest.fixture
def visitor(owner: User) -> Visitor:
    """Who has got a CSRF token and is not signed in yet."""
    return Visitor()


def test_signing_in_begins_a_session_that_may_change_things(visitor: Visitor) -> None:
    response = visitor.sign_in()
    assert (response.status_code, response.json()) == (200, {"success": True})
    assert response.headers["X-Next-CSRF-Token"]
    assert visitor.client.get("/api/v1/user/").json()["username"] == "owner"
    assert visitor.post("/api/v1/organization/", {"name": "initech"}).status_code == 201


def test_the_token_from_before_signing_in_is_worth_nothing_afterwards(visitor: Visitor) -> None:
    before = visitor.token
    visitor.sign_in()
    visitor.token = before
    response = visitor.post("/api/v1/organization/", {"name": "initech"})
    assert (response.status_code, response.json()["error"]) == (403, "CSRF token was invalid or missing.")


def test_the_session_gets_a_new_key(visitor: Visitor) -> None:
    visitor.sign_in()
    first = visitor.client.cookies[settings.SESSION_COOKIE_NAME].value
    visitor.sign_in()
    assert visitor.client.cookies[settings.SESSION_COOKIE_NAME].value != first


def test_cookies_work_over_plain_http(visitor: Visitor) -> None:
    visitor.sign_in()
    assert {name: bool(cookie["secure"]) for name, cookie in visitor.client.cookies.items()} == {
        settings.SESSION_COOKIE_NAME: False,
        settings.CSRF_COOKIE_NAME: False,
    }


def test_signing_in_needs_the_csrf_token_even_beside_an_access_token(visitor: Visitor) -> None:
    body = json.dumps({"username": "owner", "password": PASSWORD})
    for headers in ({}, {"X-CSRF-Token": "a" * 64}, {"Authorization": "Bearer " + "x" * 40}):
        response = visitor.client.post(SIGN_IN, body, content_type="application/json", headers=headers)
        assert (response.status_code, response.json()["error"]) == (403, "CSRF token was invalid or missing.")


@pytest.mark.parametrize(("name", "password"), [("owner", "wrong"), ("nobody", PASSWORD), ("owner", ""), ("a\0b", "c")])
def test_bad_credentials_are_refused_in_quays_words(visitor: Visitor, name: str, password: str) -> None:
    response = visitor.sign_in(name, password)
    body = response.json()
    if "\0" in name:
        assert (response.status_code, body["detail"]) == (400, "username has a character that cannot be stored.")
        return
    assert response.status_code == 403
    assert (body["needsEmailVerification"], body["invalidCredentials"]) == (False, True)
    assert body["message"] == "Invalid Username or Password"
    assert visitor.client.get("/api/v1/user/").status_code == 401


def test_who_is_switched_off_cannot_sign_in(visitor: Visitor, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert visitor.sign_in().status_code == 403


def test_robots_cannot_sign_in(visitor: Visitor, robot: Any) -> None:
    assert visitor.sign_in(robot.full_name, robot.token).status_code == 403


def test_basic_auth_opens_nothing_here(owner: User) -> None:
    client: Any = Client(headers={"Authorization": "Basic b3duZXI6cGVyc29uLXBhc3N3b3JkLTVUdzE="})
    assert client.get("/api/v1/user/").status_code == 401


def test_signing_out_ends_the_session(visitor: Visitor) -> None:
    visitor.sign_in()
    response = visitor.post(SIGN_OUT)
    assert (response.status_code, response.json()) == (200, {"success": True})
    assert visitor.client.get("/api/v1/user/").status_code == 401


def test_signing_out_needs_the_csrf_token(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.token = "a" * 64
    assert visitor.post(SIGN_OUT).status_code == 403
    assert visitor.client.get("/api/v1/user/").status_code == 200


@pytest.mark.parametrize("body", [None, [], {"username": "owner"}, {"username": 1, "password": "x"}])
def test_a_body_that_is_no_login_is_a_400(visitor: Visitor, body: Any) -> None:
    assert visitor.post(SIGN_IN, body).status_code == 400


def test_over_tls_a_client_without_a_referer_needs_the_token_alone(owner: User) -> None:
    assert Visitor(secure=True).sign_in().status_code == 200


@pytest.mark.parametrize("header", [{"Referer": "https://evil.example.com/"}, {"Origin": "https://evil.example.com"}])
def test_a_page_of_another_site_is_refused_whatever_it_sends(owner: User, header: dict[str, str]) -> None:
    visitor = Visitor(secure=True)
    body = {"username": "owner", "password": PASSWORD}
    assert visitor.post(SIGN_IN, body, **header).status_code == 403


@time_machine.travel(timezone.now(), tick=False)
def test_too_many_wrong_passwords_are_answered_with_a_pause(visitor: Visitor) -> None:
    for _ in range(ACCOUNT_HERE.free):
        assert visitor.sign_in(password="wrong").status_code == 403
    response = visitor.sign_in()
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) >= 1
    assert response.json()["error_type"] == "too_many_attempts"
    assert response.json()["message"].startswith("Signing in has failed too often. Try again in")


def test_the_audit_log_says_who_came_and_went_and_who_was_refused(visitor: Visitor) -> None:
    visitor.sign_in("owner", "wrong")
    visitor.sign_in("typed-password-too-early", "x")
    visitor.sign_in()
    visitor.post(SIGN_OUT)
    entries = [(entry.kind, entry.namespace_name, entry.performer_name) for entry in LogEntry.objects.order_by("pk")]
    assert entries == [
        ("login_failure", "owner", ""),
        ("login_failure", "", ""),
        ("login_success", "owner", "owner"),
        ("logout_success", "owner", "owner"),
    ]
    assert LogEntry.objects.filter(kind="login_success", ip="127.0.0.1").exists()
    assert "typed-password-too-early" not in str(list(LogEntry.objects.values_list("metadata", flat=True)))
