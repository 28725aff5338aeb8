"""Addresses of organization mirrors."""

from __future__ import annotations

from mirrors.api.organization_mirrors import endpoints
from mirrors.api.routes import both

MIRROR = "v1/organization/<name:organization>/mirror"

ROUTES = [
    *both(MIRROR, endpoints.OrganizationMirrorEndpoint),
    *both(f"{MIRROR}/sync-now", endpoints.SyncNowEndpoint),
    *both(f"{MIRROR}/sync-cancel", endpoints.SyncCancelEndpoint),
    *both(f"{MIRROR}/verify", endpoints.VerifyEndpoint),
    *both(f"{MIRROR}/repositories", endpoints.RepositoriesEndpoint),
]
