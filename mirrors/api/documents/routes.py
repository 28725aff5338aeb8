"""Addresses of the documents."""

from __future__ import annotations

from django.urls import path
from django.views.decorators.http import require_safe

from mirrors.api.documents import endpoints
from mirrors.api.routes import both

ROUTES = [
    *both("v1/openapi.json", endpoints.OpenAPI, name="openapi"),
    *both("v1/discovery", endpoints.Discovery, name="discovery"),
    *both("v1/error/<name:error_type>", endpoints.ErrorType),
    path("v1/openapi.yaml", require_safe(endpoints.openapi_as_yaml)),
    path("docs", require_safe(endpoints.page), name="docs"),
    path("docs/", require_safe(endpoints.page)),
]
