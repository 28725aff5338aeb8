"""Harbor."""

from __future__ import annotations

from mirrors.oci.profile import RegistryProfile, UploadStyle

# Its own replication sends chunks of 10 MiB; distribution below it takes any size, and up again after a break.
PROFILE = RegistryProfile(
    "harbor",
    "Harbor",
    hosts=("demo.goharbor.io",),
    large_uploads=UploadStyle.CHUNKS,
    tag_page=1000,
)
