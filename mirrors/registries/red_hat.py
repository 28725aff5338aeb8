"""Red Hat's registries of its own products, read only."""

from __future__ import annotations

from mirrors.oci.profile import Deletion, RegistryProfile

# Pages of 100 tags, as in the Quay that they are made of.
PROFILE = RegistryProfile(
    "red-hat",
    "Red Hat",
    hosts=("registry.redhat.io", "registry.access.redhat.com", "registry.connect.redhat.com"),
    tag_page=100,
    deletion=Deletion.NONE,
)
