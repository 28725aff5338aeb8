"""Addresses of health and capabilities; the first one could be a repository's name."""

from __future__ import annotations

from mirrors.api.health import capabilities, mirrors
from mirrors.api.routes import both

ROUTES = [
    *both("v1/repository/mirror/health", mirrors.HealthEndpoint),
    *both("v1/superuser/mirror/health", mirrors.SuperuserHealthEndpoint),
    *both("v1/registry/capabilities", capabilities.CapabilitiesEndpoint),
]
