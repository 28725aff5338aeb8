"""zot."""

from __future__ import annotations

from mirrors.oci.profile import RegistryProfile, UploadStyle

PROFILE = RegistryProfile(
    "zot",
    "zot",
    hosts=("zothub.io",),
    large_uploads=UploadStyle.CHUNKS,
)
