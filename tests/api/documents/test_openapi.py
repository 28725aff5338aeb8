"""The OpenAPI document: complete, valid, and open to everyone."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import jsonschema
import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from mirrors.api.documents.openapi import openapi
from mirrors.services.accounts.access_tokens import SCOPES
from tests.api.answers import routes
from tests.api.conftest import APIClient

METHODS = [
    pytest.param(path, method, described, id=described["operationId"])
    for path, item in openapi()["paths"].items()
    for method, described in item.items()
]

ALWAYS_REFUSED = {"linkExternalUser"}
"""Quay's words for what there is nothing of here."""


def test_every_method_of_every_endpoint_is_described() -> None:
    assert [route for route in routes() if not route.is_described] == []


def test_the_document_is_made_without_a_warning() -> None:
    text = StringIO()
    call_command("spectacular", "--fail-on-warn", "--validate", "--format", "openapi-json", stdout=text)
    assert '"openapi": "3.1.0"' in text.getvalue()
    assert not GENERATOR_STATS


def test_the_document_follows_the_specification() -> None:
    validate_schema(openapi())


@pytest.mark.parametrize(("path", "method", "described"), METHODS)
def test_a_method_says_what_it_does_and_what_its_address_is_made_of(
    path: str, method: str, described: dict[str, Any]
) -> None:
    assert described["summary"]
    assert described["tags"]
    assert path == "/" or not path.endswith("//")
    parameters = {each["name"]: each for each in described.get("parameters", []) if each["in"] == "path"}
    assert set(re.findall(r"\{(\w+)\}", path)) == set(parameters)
    assert all(parameter["description"] for parameter in described.get("parameters", []))
    assert described["operationId"] in ALWAYS_REFUSED or any(status < "300" for status in described["responses"])


@pytest.mark.parametrize(("path", "method", "described"), METHODS)
def test_all_schemas_are_valid_and_examples_follow_them(path: str, method: str, described: dict[str, Any]) -> None:
    bodies = [described["requestBody"]] if "requestBody" in described else []
    for body in (*bodies, *described["responses"].values()):
        for content in body.get("content", {}).values():
            jsonschema.Draft202012Validator.check_schema(content["schema"])
            for example in content.get("examples", {}).values():
                jsonschema.Draft202012Validator(content["schema"]).validate(example["value"])


@pytest.mark.parametrize(("path", "method", "described"), METHODS)
def test_a_method_that_asks_for_a_scope_says_so_as_its_security(
    path: str, method: str, described: dict[str, Any]
) -> None:
    scope = described.get("x-scope")
    security = described["security"]
    assert (scope is None) == ({} in security)
    if scope:
        assert scope in SCOPES
        assert {"accessToken": [scope]} in security
        assert {"401", "403"} <= set(described["responses"])


def test_anyone_may_read_the_document_and_keep_it_for_a_while(anonymous_api: APIClient) -> None:
    response = anonymous_api.get("/api/v1/openapi.json")
    assert response.status_code == 200
    assert response.json() == openapi()
    assert response["Cache-Control"] == "public, max-age=300"
    readable = Client().get("/api/v1/openapi.yaml")
    assert readable["Content-Type"] == "application/yaml"
    assert yaml.safe_load(readable.content) == openapi()


def test_a_route_is_described_once_however_it_is_written() -> None:
    paths = [path.rstrip("/") for path in openapi()["paths"]]
    assert len(paths) == len(set(paths))
