"""The container registry of GitLab."""

from __future__ import annotations

from mirrors.oci.profile import RegistryProfile, UploadStyle

# Its tokens live five minutes where nobody changed that: each chunk is sent with a fresh one, a whole blob cannot be.
PROFILE = RegistryProfile(
    "gitlab",
    "GitLab",
    hosts=("registry.gitlab.com",),
    large_uploads=UploadStyle.CHUNKS,
    tag_page=1000,
)
