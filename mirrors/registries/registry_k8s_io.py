"""The registry of the Kubernetes project: a redirector to others, read only."""

from __future__ import annotations

from mirrors.oci.profile import Deletion, RegistryProfile

PROFILE = RegistryProfile(
    "kubernetes",
    "registry.k8s.io",
    hosts=("registry.k8s.io",),
    deletion=Deletion.NONE,
)
