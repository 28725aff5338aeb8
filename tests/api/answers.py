"""Every answer of the API held against the OpenAPI document: status, content type and body."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema
from django.http import HttpResponse
from drf_spectacular.generators import EndpointEnumerator

from mirrors.api.documents.completion import one_path_per_route
from mirrors.api.documents.openapi import openapi
from mirrors.api.operations import operation_of


@dataclass(frozen=True)
class Route:
    """One method of one address."""

    path: str
    method: str
    view: Callable[..., Any]

    @property
    def endpoint(self) -> type:
        """The class behind it."""
        found: type = self.view.cls  # type: ignore[attr-defined]
        return found

    @property
    def is_described(self) -> bool:
        """Whether its method has an `@operation`."""
        return operation_of(getattr(self.endpoint, self.method.lower())) is not None

    def __repr__(self) -> str:
        return f"{self.method} {self.path} ({self.endpoint.__module__}.{self.endpoint.__name__})"


@cache
def routes() -> list[Route]:
    """All methods of all addresses."""
    endpoints = one_path_per_route(EndpointEnumerator()._get_api_endpoints(None, ""))
    return [Route(path, method, view) for path, _, method, view in endpoints]


@cache
def _by_view() -> dict[tuple[Callable[..., Any], str], Route]:
    return {(route.view, route.method): route for route in routes()}


def check_answer(response: HttpResponse) -> None:
    """AssertionError where the document does not have this answer."""
    method = response.request["REQUEST_METHOD"]  # type: ignore[attr-defined]
    match = response.resolver_match  # type: ignore[attr-defined]
    route = _by_view().get((match.func, method)) if match else None
    if route is None:
        _check_undescribed(response)
        return
    described = openapi()["paths"].get(route.path, {}).get(method.lower())
    if described is None:
        return
    documented = described["responses"].get(str(response.status_code))
    assert documented is not None, f"{route}: {response.status_code} is not documented: {_text(response)}"
    _check_body(route, response, documented.get("content", {}))


def _check_undescribed(response: HttpResponse) -> None:
    """A method that an address does not have, or an address that is none, is a JSON error."""
    if response.request["PATH_INFO"].startswith("/api/") and response.status_code in (404, 405):  # type: ignore[attr-defined]
        assert response["Content-Type"] == "application/json", _text(response)
        _validator_of_errors().validate(response.json())  # type: ignore[attr-defined]


def _check_body(route: Route, response: HttpResponse, contents: Mapping[str, Any]) -> None:
    if not contents:
        assert response.content == b"", f"{route}: {response.status_code} is documented without a body"
        return
    media_type = response["Content-Type"].split(";")[0]
    assert media_type in contents, f"{route}: {media_type} is not documented for {response.status_code}"
    if media_type != "application/json":
        return
    error = jsonschema.exceptions.best_match(
        _validator(json.dumps(contents[media_type]["schema"])).iter_errors(response.json())  # type: ignore[attr-defined]
    )
    assert error is None, f"{route}: {response.status_code} at {error.json_path}: {error.message}\n{_text(response)}"


@cache
def _validator(schema: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(schema) | {"components": openapi()["components"]})


def _validator_of_errors() -> jsonschema.Draft202012Validator:
    return _validator('{"$ref": "#/components/schemas/ApiError"}')


def _text(response: HttpResponse) -> str:
    return "" if response.streaming else response.content.decode(errors="replace")[:500]
