"""Addresses under a repository's mirror."""

from __future__ import annotations

from mirrors.api.mirroring import mirrors, preview
from mirrors.api.routes import both

MIRROR = "v1/repository/<full_name:repository>/mirror"

ROUTES = [
    *both(MIRROR, mirrors.MirrorEndpoint),
    *both(f"{MIRROR}/sync-now", mirrors.SyncNowEndpoint),
    *both(f"{MIRROR}/sync-cancel", mirrors.SyncCancelEndpoint),
    *both(f"{MIRROR}/preview", preview.PreviewsEndpoint),
    *both(f"{MIRROR}/preview/<number:preview_id>", preview.PreviewEndpoint),
    *both(f"{MIRROR}/syncs", mirrors.SyncsEndpoint),
    *both(f"{MIRROR}/syncs/<number:sync_id>", mirrors.SyncEndpoint),
]
