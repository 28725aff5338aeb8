"""Gitea and Forgejo."""

from __future__ import annotations

from mirrors.oci.profile import RegistryProfile, UploadStyle

PROFILE = RegistryProfile(
    "gitea",
    "Gitea or Forgejo",
    hosts=("codeberg.org", "gitea.com"),
    large_uploads=UploadStyle.CHUNKS,
)
