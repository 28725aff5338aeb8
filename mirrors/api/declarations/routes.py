"""Addresses of declarations."""

from __future__ import annotations

from mirrors.api.declarations import declarations
from mirrors.api.routes import both

ROUTES = [
    *both("v1/apply", declarations.ApplyEndpoint),
    *both("v1/export", declarations.ExportEndpoint),
]
