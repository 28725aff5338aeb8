"""Microsoft's registry, which is read only."""

from __future__ import annotations

from mirrors.oci.profile import Deletion, RegistryProfile

PROFILE = RegistryProfile(
    "mcr",
    "Microsoft Artifact Registry",
    hosts=("mcr.microsoft.com", "*.mcr.microsoft.com"),
    deletion=Deletion.NONE,
)
