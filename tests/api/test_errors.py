"""JSON for everything under /api, and secrets in none of it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from mirrors.models import Mirror, Repository, Robot
from tests.api.conftest import BODY, MIRROR, APIClient

SECRET = "planted-secret-7Zp4"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize(
    "path",
    ["/api/", "/api/v1/nothing", "/api/v2/", "/api/v1/repository/alone", "/api/v1/repository/a%00/b", "/api/v1/a\nb"],
)
def test_an_unknown_address_is_a_json_404(anonymous_api: APIClient, method: str, path: str) -> None:
    response = anonymous_api.send(method, path)
    assert response.status_code == 404
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert (body["error_type"], body["title"], body["status"]) == ("not_found", "not_found", 404)
    assert body["type"] == "http://testserver/api/v1/error/not_found"
    assert "message" not in body


def test_both_forms_of_an_address_answer_without_a_redirect(mirrored: APIClient) -> None:
    for path in (MIRROR, "/api/v1/user", "/api/v1/organization/acme", "/api/v1/repository/acme/app"):
        assert mirrored.get(path).status_code == mirrored.get(f"{path}/").status_code == 200
    assert mirrored.put(f"{MIRROR}/", {}).status_code == 201
    assert mirrored.post("/api/v1/organization", {"name": "one"}).status_code == 201
    assert mirrored.post("/api/v1/organization/", {"name": "two"}).status_code == 201


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS"])
def test_other_methods_are_405_in_quays_words(api: APIClient, mirror: Mirror, method: str) -> None:
    response = api.send(method, MIRROR, "{}")
    assert response.status_code == 405
    assert response.json()["message"] == "The method is not allowed for the requested URL."
    assert Mirror.objects.exists()


@pytest.mark.parametrize(("method", "path"), [("POST", MIRROR), ("PUT", MIRROR), ("POST", "/api/v1/repository")])
def test_a_body_that_is_no_json_object_is_refused(
    api: APIClient, repository: Repository, method: str, path: str
) -> None:
    not_understood = "The browser (or proxy) sent a request that this server could not understand."
    for data in (
        "",
        "{",
        "nonsense",
        f'{{"a": {SECRET}}}',
        "[" * 20000,
        "NaN",
        '{"sync_interval": Infinity}',
        "\udcff",
    ):
        response = api.send(method, path, data.encode("utf-8", "surrogateescape"))
        assert (response.status_code, response.json()["message"]) == (400, not_understood)
        assert SECRET not in response.content.decode()
    assert api.send(method, path, "null").json()["message"] == "Missing JSON body"
    for data in ("[]", '"text"', "1", "true"):
        response = api.send(method, path, data)
        assert (response.status_code, response.json()["message"]) == (400, "The body must be a JSON object.")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_of_another_type_is_415(api: APIClient, repository: Repository, content_type: str) -> None:
    response = api.send("POST", MIRROR, json.dumps(BODY), content_type=content_type)
    assert response.status_code == 415
    words = "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
    assert response.json()["message"] == words


def test_json_types_with_parameters_are_json(api: APIClient, repository: Repository, robot: Robot) -> None:
    response = api.send("POST", MIRROR, json.dumps(BODY), content_type="application/json; charset=utf-8")
    assert response.status_code == 201


def test_a_body_too_large_is_refused_in_json(api: APIClient, repository: Repository) -> None:
    response = api.send("POST", MIRROR, json.dumps({"x": "y" * 3_000_000}))
    assert (response.status_code, response.json()["message"]) == (400, "The request body is too large.")


def test_an_accept_header_changes_nothing(api: APIClient, mirror: Mirror, owner: Any) -> None:
    client = Client()
    client.force_login(owner)
    assert client.get(MIRROR, headers={"Accept": "text/html"})["Content-Type"] == "application/json"


def test_a_fault_of_ours_is_a_json_500_and_in_the_log(
    api: APIClient, mirror: Mirror, caplog: pytest.LogCaptureFixture
) -> None:
    api.client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE mirrors_sync RENAME TO mirrors_sync_gone")
    with caplog.at_level(logging.ERROR):
        # Not `api.get`: no 500 is in the document that it holds answers against.
        response = api.client.get(MIRROR, headers=api._headers)
    assert response.status_code == 500
    assert response["Content-Type"] == "application/json"
    assert response.json()["error_type"] == "internal"
    assert "mirrors_sync" not in response.content.decode()
    assert "GET /api/v1/repository/acme/app/mirror failed" in caplog.text


@pytest.mark.parametrize("error_type", ["not_found", "invalid_request", "insufficient_scope", "invalid_token"])
def test_the_type_of_an_error_is_an_address_that_answers(anonymous_api: APIClient, error_type: str) -> None:
    body = anonymous_api.get(f"/api/v1/error/{error_type}").json()
    assert body["type"] == body["title"] == error_type
    assert anonymous_api.get("/api/v1/error/other").status_code == 404


@pytest.mark.parametrize("field", sorted(BODY))
@pytest.mark.parametrize("wrong", [7.5, None, [[]], {"rule_kind": 1}, {"proxy": {"http_proxy": [SECRET]}}])
def test_a_refused_body_is_not_repeated(
    api: APIClient, repository: Repository, robot: Robot, field: str, wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    proxies = {"proxy": {"http_proxy": f"http://user:{SECRET}@proxy:3128"}}
    body = BODY | {"external_registry_password": SECRET, "external_registry_config": proxies, field: wrong}
    for response in (api.post(MIRROR, body), api.put(MIRROR, body), api.get(MIRROR)):
        assert response.status_code < 500
        assert SECRET not in response.content.decode()
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "wrong", [SECRET * 600, f"{SECRET}\0", f"{SECRET}\ud800", f"{SECRET}\n", [SECRET], {SECRET: 1}]
)
def test_a_refused_password_is_not_repeated(
    api: APIClient, repository: Repository, robot: Robot, wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    response = api.post(MIRROR, BODY | {"external_registry_password": wrong})
    assert (response.status_code, response.json()["message"][:26]) == (400, "external_registry_password")
    assert SECRET not in response.content.decode()
    assert SECRET not in caplog.text
