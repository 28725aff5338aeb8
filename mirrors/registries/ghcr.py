"""GitHub's container registry."""

from __future__ import annotations

from mirrors.oci.profile import Deletion, RegistryProfile, UploadStyle

# Bodies with Content-Range may have 4 MiB (ocx#237, wash-archive#268), so large blobs go in one PATCH without it, which
# has no limit; only what is left after a break is cut up. Deletion is a matter of the Packages API.
PROFILE = RegistryProfile(
    "ghcr",
    "GitHub Container Registry",
    hosts=("ghcr.io",),
    large_uploads=UploadStyle.PATCH,
    tag_page=1000,
    deletion=Deletion.NONE,
)
