"""Addresses under a repository's mirror."""

from __future__ import annotations

from mirrors.api.mirroring import mirrors, preview, progress, restoring, syncs, verification
from mirrors.api.routes import both

MIRROR = "v1/repository/<full_name:repository>/mirror"

ROUTES = [
    *both(MIRROR, mirrors.MirrorEndpoint),
    *both(f"{MIRROR}/sync-now", syncs.SyncNowEndpoint),
    *both(f"{MIRROR}/sync-cancel", syncs.SyncCancelEndpoint),
    *both(f"{MIRROR}/verify", verification.VerifyEndpoint),
    *both(f"{MIRROR}/progress", progress.ProgressEndpoint),
    *both(f"{MIRROR}/progress/events", progress.ProgressEventsEndpoint),
    *both(f"{MIRROR}/tags/<name:tag>/restore", restoring.RestoreEndpoint),
    *both(f"{MIRROR}/tags/<name:tag>/kept", restoring.KeptTagEndpoint),
    *both(f"{MIRROR}/preview", preview.PreviewsEndpoint),
    *both(f"{MIRROR}/preview/<number:preview_id>", preview.PreviewEndpoint),
    *both(f"{MIRROR}/syncs", syncs.SyncsEndpoint),
    *both(f"{MIRROR}/syncs/<number:sync_id>", syncs.SyncEndpoint),
]
