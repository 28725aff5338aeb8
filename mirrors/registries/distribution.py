"""CNCF distribution, the registry of old (`registry:2`, `registry:3`, docker-registry)."""

from __future__ import annotations

from mirrors.oci.profile import MIB, RegistryProfile, UploadStyle

# Version 3 keeps what came before a break; version 2 drops the upload with it, so that only whole chunks are safe.
# Version 2 ignores `n` and lists everything at once.
PROFILE = RegistryProfile(
    "distribution",
    "CNCF Distribution",
    large_uploads=UploadStyle.CHUNKS,
    tag_page=1000,
    manifest_limit=4 * MIB,
)
