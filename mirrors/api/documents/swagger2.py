"""The OpenAPI document as Swagger 2.0, in the shape of Quay's discovery document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from mirrors.api.documents.openapi import openapi

Object = dict[str, Any]

SCOPES = {
    "repo:read": "See all repositories that the account may see",
    "repo:write": "See and write to all repositories that the account may write to",
    "repo:admin": "Administer all repositories that the account administers, and their mirrors",
    "repo:create": "Create repositories wherever the account may",
    "user:read": "Read what is known of the account",
    "user:admin": "Change the account, its robots and organizations",
    "org:admin": "Administer all organizations that the account administers",
    "super:user": "Everything that a superuser may do, for accounts that are superusers",
}
MODULES = (
    (r"/mirror/health$", "mirrorhealth"),
    (r"/organization/\{\w+\}/mirror", "org_mirror"),
    (r"/repository/\{\w+\}/mirror", "mirror"),
    (r"/superuser/", "superuser"),
    (r"logs$", "logs"),
    (r"/robots\b", "robot"),
    (r"/permissions\b", "permission"),
    (r"/tag\b", "tag"),
    (r"/notification\b", "repositorynotification"),
    (r"/team\b", "team"),
    (r"/entities\b", "search"),
    (r"/organization\b", "organization"),
    (r"/repository\b", "repository"),
    (r"/(user|users|signin|signout)\b", "user"),
    (r"/registry/capabilities$", "capabilities"),
    (r"/(\w+)", r"\1"),
)
"""Quay's tag is the name of the module that serves the address."""
UNKNOWN_IN_SWAGGER = ("pattern", "examples", "const", "$schema", "propertyNames", "patternProperties", "contains")


@cache
def swagger2(*, internal: bool) -> Object:
    """The document. internal: with the methods that Quay does not have."""
    document = openapi()
    return {
        "swagger": "2.0",
        "info": {key: document["info"][key] for key in ("title", "description", "version")},
        "basePath": "/",
        "produces": ["application/json"],
        "paths": dict(_paths(document, internal=internal)),
        "definitions": {name: schema_of(schema) for name, schema in document["components"]["schemas"].items()},
        "securityDefinitions": {
            "oauth2_implicit": {
                "type": "oauth2",
                "flow": "implicit",
                "authorizationUrl": "/oauth/authorize",
                "scopes": SCOPES,
            }
        },
        "tags": [{"name": name} for name in sorted({module_of(path) for path in document["paths"]})],
    }


def module_of(path: str) -> str:
    """Quay's module of this address: `mirror`, `org_mirror`, …"""
    below = path.removeprefix("/api/v1")
    return next(match.expand(name) for pattern, name in MODULES if (match := re.search(pattern, below)))


def _paths(document: Object, *, internal: bool) -> Any:
    for path, item in document["paths"].items():
        methods = {name: method for name, method in item.items() if internal or not method.get("x-ours")}
        if methods:
            yield path, {name: _method(path, method) for name, method in methods.items()}


def _method(path: str, method: Object) -> Object:
    described: Object = {key: method[key] for key in ("operationId", "summary", "description") if key in method}
    described["tags"] = [module_of(path)]
    described["parameters"] = [_parameter(parameter) for parameter in method.get("parameters", [])]
    if "requestBody" in method:
        described["parameters"].append(_body(method["requestBody"]))
        described["consumes"] = ["application/json"]
    described["responses"] = {status: _answer(answer) for status, answer in method["responses"].items()}
    if "x-scope" in method:
        described["security"] = [{"oauth2_implicit": [method["x-scope"]]}]
    return described


def _parameter(parameter: Object) -> Object:
    schema = schema_of(parameter["schema"])
    about = {"name": parameter["name"], "in": parameter["in"], "description": parameter.get("description", "")}
    return {"type": "string", **schema, **about, "required": parameter.get("required", False)}


def _body(body: Object) -> Object:
    content = next(iter(body["content"].values()))  # Swagger knows one schema; JSON's stands first
    return {"name": "body", "in": "body", "required": body["required"], "schema": schema_of(content["schema"])}


def _answer(answer: Object) -> Object:
    described: Object = {"description": answer["description"]}
    for content in answer.get("content", {}).values():
        described["schema"] = schema_of(content["schema"])
    return described


def schema_of(schema: Mapping[str, Any]) -> Object:
    """JSON Schema in Swagger's dialect: null is `x-nullable`, alternatives become one that accepts any value."""
    if "$ref" in schema:
        return {"$ref": str(schema["$ref"]).replace("#/components/schemas/", "#/definitions/")}
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives:
        others = [other for other in alternatives if other != {"type": "null"}]
        nullable = {"x-nullable": True} if len(others) < len(alternatives) else {}
        return (schema_of(others[0]) if len(others) == 1 else {}) | nullable
    described = {key: _value(key, value) for key, value in schema.items() if key not in UNKNOWN_IN_SWAGGER}
    return _one_type(described)


def _value(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: schema_of(each) for name, each in value.items()}
    return schema_of(value) if isinstance(value, dict) and key in ("items", "additionalProperties") else value


def _one_type(schema: Object) -> Object:
    """A list of types, which Swagger does not know, as the one beside null."""
    types = schema.get("type")
    if not isinstance(types, list):
        return schema
    others = [name for name in types if name != "null"]
    rest = {key: value for key, value in schema.items() if key != "type"}
    return rest | ({"type": others[0]} if len(others) == 1 else {}) | ({"x-nullable": True} if "null" in types else {})
