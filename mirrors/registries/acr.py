"""Azure Container Registry."""

from __future__ import annotations

from mirrors.oci.profile import MIB, RegistryProfile

# Pages are of 100 tags unless more is asked for (regclient#404). Manifests may have 4 MiB.
PROFILE = RegistryProfile(
    "acr",
    "Azure Container Registry",
    hosts=("*.azurecr.io", "*.azurecr.us", "*.azurecr.cn"),
    tag_page=1000,
    manifest_limit=4 * MIB,
)
