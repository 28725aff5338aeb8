"""Values that nobody means well with, at every place where the document has one: never a fault of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.test import Client

from mirrors.api.documents.openapi import openapi
from mirrors.models import User
from tests.api.answers import check_answer
from tests.api.documents.seeded import make_farm

DEEP: Any = "x"
for _ in range(200):
    DEEP = [{"a": DEEP}]
VALUES = (None, True, 7.5, -1, 10**30, 1e300, "", "a\0b", "a\ud800b", "💥" * 3000, [], {}, [None], ["a\0b"], DEEP)
TEXTS = ("", "-1", "0", "9" * 30, "1e9", "%00", "%ff", "%ed%a0%80", "NaN", quote("💥"), "x" * 3000, "%27%22%5C%25_")
PARTS = ("%ff", "%ed%a0%80", "x" * 400, quote("💥/💥"), "a%0Ab", "%27%22%5C%25_", "a%20b", "9" * 18, "+", "a+b+c")
METHODS = {
    described["operationId"]: (path, method, described)
    for path, item in openapi()["paths"].items()
    for method, described in item.items()
    if "text/event-stream" not in str(described["responses"])
}


class Parts(dict[str, str]):
    """Of an address; those that are not known lead nowhere."""

    def __missing__(self, name: str) -> str:
        return "nothing"


@pytest.fixture
def ask(make_user: Callable[..., User], store_dir: object, rung: list[int]) -> Callable[..., None]:
    """`ask(method, address, body)`: as superuser; what the request changes is undone."""
    farm, client = make_farm(make_user), Client(headers={})
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {farm.tokens['root']}"

    def send(method: str, path: str, body: Any = None, **parts: str) -> None:
        with transaction.atomic():
            data = "" if body is None else json.dumps(body)
            known = {name: quote(str(value)) for name, value in farm.values.items()}
            address = path.format_map(Parts(known | parts))
            check_answer(client.generic(method.upper(), address, data, content_type="application/json"))
            transaction.set_rollback(True)

    return send


def bodies(described: Mapping[str, Any]) -> Iterator[Any]:
    """Bodies that are right but for one value."""
    content = described["requestBody"]["content"]["application/json"]
    examples = [each["value"] for each in content.get("examples", {}).values()]
    yield from VALUES
    if content["schema"].get("type") == "array":
        yield from ([value] for value in VALUES)
        return
    right = sample(content["schema"]) | (examples[0] if examples else {})
    for name, schema in schemas_of(content["schema"], right).items():
        for value in VALUES:
            yield right | {name: value}
        for inner in schemas_of(schema, right.get(name)):
            for value in VALUES:
                yield right | {name: sample(schema) | {inner: value}}


def schemas_of(schema: Mapping[str, Any], example: Any) -> Mapping[str, Any]:
    """Of the keys of an object: those that the schema names, or else the example."""
    named: Mapping[str, Any] = schema.get("properties") or {}
    return named or ({key: {} for key in example} if isinstance(example, dict) else {})


def sample(schema: Mapping[str, Any]) -> Any:
    """A value of this schema with what is required and no more."""
    if "anyOf" in schema:
        return sample(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: sample(schema["properties"][name]) for name in schema.get("required", ())}
    values = {"string": "x", "boolean": True, "array": [], "integer": max(schema.get("minimum", 0), 60)}
    return values.get(str(schema.get("type")), {})


@pytest.mark.parametrize("nickname", [name for name, (_, _, each) in METHODS.items() if "requestBody" in each])
def test_in_the_body(ask: Callable[..., None], nickname: str) -> None:
    path, method, described = METHODS[nickname]
    for body in bodies(described):
        ask(method, path, body)


@pytest.mark.parametrize("nickname", [name for name, (_, _, each) in METHODS.items() if "parameters" in each])
def test_in_the_query_and_in_the_address(ask: Callable[..., None], nickname: str) -> None:
    path, method, described = METHODS[nickname]
    for parameter in described.get("parameters", ()):
        if parameter["in"] == "query":
            for text in TEXTS:
                ask(method, f"{path}?{parameter['name']}={text}")
        elif parameter["in"] == "path":
            for part in PARTS:
                ask(method, path, **{parameter["name"]: part})
