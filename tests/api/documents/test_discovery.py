"""Quay's discovery document and its addresses of errors."""

from __future__ import annotations

from typing import Any

import pytest

from mirrors.api.documents.openapi import openapi
from mirrors.api.documents.swagger2 import module_of, schema_of
from mirrors.api.errors import ERROR_TYPES
from mirrors.services.accounts.access_tokens import SCOPES
from tests.api.conftest import APIClient

DISCOVERY = "/api/v1/discovery"


def methods(document: dict[str, Any]) -> dict[str, Any]:
    """The methods by nickname."""
    return {method["operationId"]: method for item in document["paths"].values() for method in item.values()}


def test_anyone_may_read_it_as_swagger_2(anonymous_api: APIClient) -> None:
    document = anonymous_api.get(DISCOVERY).json()
    assert document["swagger"] == "2.0"
    assert set(document["securityDefinitions"]["oauth2_implicit"]["scopes"]) == set(SCOPES)
    assert document["definitions"]["ApiError"]["properties"]["error_type"]["type"] == "string"


def test_what_quay_does_not_have_is_shown_on_request(anonymous_api: APIClient) -> None:
    all_of_openapi = methods(openapi())
    of_quay = {nickname for nickname, method in all_of_openapi.items() if not method.get("x-ours")}
    assert set(methods(anonymous_api.get(DISCOVERY).json())) == of_quay
    assert set(methods(anonymous_api.get(DISCOVERY, internal="False").json())) == of_quay
    assert set(methods(anonymous_api.get(DISCOVERY, internal="true").json())) == set(all_of_openapi)


def test_a_method_has_its_parameters_body_answers_and_scope(anonymous_api: APIClient) -> None:
    document = anonymous_api.get(DISCOVERY).json()
    create = methods(document)["createRepoMirrorConfig"]
    assert create["tags"] == ["mirror"]
    assert create["security"] == [{"oauth2_implicit": ["repo:admin"]}]
    parameters = {parameter["name"]: parameter for parameter in create["parameters"]}
    assert (parameters["repository"]["in"], parameters["repository"]["type"]) == ("path", "string")
    body = parameters["body"]["schema"]["properties"]
    assert body["external_registry_username"] == {"type": "string", "x-nullable": True}
    assert create["responses"]["404"]["schema"] == {"$ref": "#/definitions/ApiError"}


def test_nothing_in_it_is_unknown_to_swagger_2(anonymous_api: APIClient) -> None:
    text = anonymous_api.get(DISCOVERY, internal="true").text
    for word in ("anyOf", "oneOf", "#/components", '"const"', '"examples"', '"null"', '"prefixItems"'):
        assert word not in text


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("/api/v1/repository/{repository}/mirror/sync-now", "mirror"),
        ("/api/v1/organization/{orgname}/mirror/repositories", "org_mirror"),
        ("/api/v1/repository/mirror/health", "mirrorhealth"),
        ("/api/v1/organization/{orgname}/robots/{name}", "robot"),
        ("/api/v1/repository/{repository}/permissions/user/{name}", "permission"),
        ("/api/v1/repository/{repository}/tag/", "tag"),
        ("/api/v1/repository/{repository}/notification/", "repositorynotification"),
        ("/api/v1/superuser/users/{username}", "superuser"),
        ("/api/v1/user/logs", "logs"),
        ("/api/v1/user/", "user"),
        ("/api/v1/error/{error_type}", "error"),
    ],
)
def test_the_tag_is_quays_module(path: str, module: str) -> None:
    assert module_of(path) == module


def test_null_becomes_a_mark_beside_the_type() -> None:
    assert schema_of({"type": ["string", "null"], "pattern": "x"}) == {"type": "string", "x-nullable": True}
    assert schema_of({"anyOf": [{"type": "integer"}, {"type": "null"}]}) == {"type": "integer", "x-nullable": True}
    assert schema_of({"anyOf": [{"type": "integer"}, {"type": "string"}]}) == {}


@pytest.mark.parametrize("error_type", ERROR_TYPES)
def test_every_type_of_error_says_what_it_means(anonymous_api: APIClient, error_type: str) -> None:
    body = anonymous_api.get(f"/api/v1/error/{error_type}").json()
    assert (body["type"], body["title"]) == (error_type, error_type)
    assert body["description"].endswith(".")
