"""/v1/openapi.json, /v1/discovery, /v1/error/{type} and the page at /api/docs: open to everyone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.documents.openapi import openapi_json, openapi_yaml
from mirrors.api.documents.swagger2 import swagger2
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import ERROR_TYPES, NoSuchRoute
from mirrors.api.operations import BOOLEAN, STRING, Schema, answer, operation

MAX_AGE = 300
FALSE = {"", "0", "false", "no", "null"}
DOCUMENT: Schema = {"type": "object", "required": ["info", "paths"]}


class Document(Endpoint):
    """A text that is the same for everyone, and only changes with a new version of Mirrorfarm."""

    authentication_classes: Sequence[type[BaseAuthentication]] = ()

    def finalize_response(self, request: Request, response: Any, *args: Any, **options: Any) -> Any:
        """May be kept for a while, by everyone."""
        response = super().finalize_response(request, response, *args, **options)
        if response.status_code == 200:
            del response.headers["Cache-Control"], response.headers["Expires"]
            patch_cache_control(response, public=True, max_age=MAX_AGE)
        return response


class OpenAPI(Document):
    """The OpenAPI document as JSON."""

    @operation("getOpenAPI", answers={200: DOCUMENT}, ours=True)
    def get(self, request: Request) -> HttpResponse:
        """This document: OpenAPI 3.1 as JSON. As YAML it is at /api/v1/openapi.yaml."""
        return _text(openapi_json, "application/json")


class Discovery(Document):
    """Quay's own description of its API."""

    @operation(
        "discovery",
        answers={200: {"type": "object", "required": ["swagger", "info", "paths", "definitions"]}},
        query={"internal": (BOOLEAN, "Also what Quay does not have; the methods marked `x-ours`.")},
    )
    def get(self, request: Request) -> Response:
        """The same methods as a Swagger 2.0 document, for clients that read Quay's."""
        return Response(swagger2(internal=request.query_params.get("internal", "").lower() not in FALSE))


class ErrorType(Document):
    """What the type of an error means."""

    @operation(
        "getErrorDescription",
        answers={200: answer({"type": STRING, "title": STRING, "description": STRING})},
        errors=(404,),
    )
    def get(self, request: Request, error_type: str) -> Response:
        """What an error's `error_type` means."""
        if error_type not in ERROR_TYPES:
            raise NoSuchRoute(f"There is no error type {error_type}.")
        return Response({"type": error_type, "title": error_type, "description": ERROR_TYPES[error_type]})


def openapi_as_yaml(request: HttpRequest) -> HttpResponse:
    """GET /v1/openapi.yaml, for those who read it themselves."""
    return _text(openapi_yaml, "application/yaml")


def page(request: HttpRequest) -> HttpResponse:
    """GET /api/docs: Swagger UI over the document, signed in as the browser's session is."""
    return render(request, "api/docs.html")


def _text(made: Callable[[], bytes], content_type: str) -> HttpResponse:
    return HttpResponse(made(), content_type=content_type)
