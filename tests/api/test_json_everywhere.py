"""Whatever goes wrong before or around an endpoint: under /api the answer is JSON, elsewhere a page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from mirrors.models import User
from mirrors.services.accounts import access_tokens

API, PAGE = "/api/v1/user/", "/repository"


def check(response: HttpResponse, *, status: int, error_type: str) -> dict[str, Any]:
    """The body, which is an error as the API has them."""
    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/json")
    body: dict[str, Any] = response.json()
    assert (body["status"], body["error_type"], body["title"]) == (status, error_type, error_type)
    assert body["type"].endswith(f"/api/v1/error/{error_type}")
    assert ("message" in body) == (status != 404)
    return body


def is_page(response: HttpResponse) -> bool:
    """Whether it is HTML."""
    return response.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("host", ["evil.example.com", "a b", "[::1", "x" * 300])
def test_a_wrong_host_name_says_what_to_do(settings: Settings, host: str) -> None:
    settings.ALLOWED_HOSTS = ["farm.example.com"]
    browser: Any = Client(headers={"Host": host})
    body = check(browser.get(API), status=400, error_type="invalid_request")
    assert "ALLOWED_HOSTS" in body["message"]
    assert host not in body["type"]
    assert is_page(browser.get(PAGE))


def test_a_fault_in_middleware_is_a_json_500(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("django.contrib.messages.middleware.MessageMiddleware.process_request", broken)
    visitor = Client(raise_request_exception=False)
    body = check(visitor.get(API), status=500, error_type="internal")
    assert "planted" not in json.dumps(body)
    assert is_page(visitor.get("/nowhere"))


@pytest.mark.django_db
def test_a_form_that_is_too_large_is_a_json_400(owner: User) -> None:
    _, text = access_tokens.issue_token(owner, name="x", scopes=["user:admin"])
    form = "name=" + "x" * 3_000_000
    for headers in ({}, {"Authorization": f"Bearer {text}"}):
        response = Client(enforce_csrf_checks=True).post(
            "/api/v1/organization/", form, content_type="application/x-www-form-urlencoded", headers=headers
        )
        assert response.headers["Content-Type"] == "application/json"
        assert response.status_code in (400, 415)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("form", "content_type"),
    [
        ("a=1&" * 2000, "application/x-www-form-urlencoded"),
        ("--x\r\n", "multipart/form-data"),
        ("--x\r\n", "multipart/form-data; boundary=\xff"),
        ("a=1", "application/x-www-form-urlencoded; charset=utf-16"),
    ],
)
def test_a_form_that_cannot_be_read_is_a_json_400(form: str, content_type: str) -> None:
    visitor = Client(enforce_csrf_checks=True)
    visitor.get("/csrf_token")
    response = visitor.generic("POST", "/api/v1/signin", form, content_type=content_type)
    check(response, status=400, error_type="invalid_request")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v2/nothing", "/api/v1/%0a", "/api/v1/%ff"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_address_is_a_json_404(path: str, method: str) -> None:
    check(getattr(Client(enforce_csrf_checks=True), method)(path), status=404, error_type="not_found")


def test_names_that_only_begin_alike_are_pages() -> None:
    assert is_page(Client().get("/apiary"))


@pytest.mark.django_db
def test_a_missing_csrf_token_is_json_in_the_api_and_a_page_elsewhere() -> None:
    visitor = Client(enforce_csrf_checks=True)
    body = check(visitor.post("/api/v1/organization/"), status=403, error_type="insufficient_scope")
    assert body["error"] == "CSRF token was invalid or missing."
    assert is_page(visitor.post("/signin"))
