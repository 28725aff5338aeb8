"""What differs between registry products: one file each, and one line in the table here.

A registry that is none of these, or whose product nobody has told, is GENERIC; the engine learns from its answers.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from mirrors.oci.profile import GENERIC, RegistryProfile
from mirrors.registries import (
    acr,
    artifactory,
    distribution,
    docker_hub,
    ecr,
    gar,
    ghcr,
    gitea,
    gitlab,
    harbor,
    mcr,
    nexus,
    quay,
    red_hat,
    registry_k8s_io,
    zot,
)

PROFILES = (
    acr.PROFILE,
    artifactory.PROFILE,
    distribution.PROFILE,
    docker_hub.PROFILE,
    ecr.PROFILE,
    gar.PROFILE,
    ghcr.PROFILE,
    gitea.PROFILE,
    gitlab.PROFILE,
    harbor.PROFILE,
    mcr.PROFILE,
    nexus.PROFILE,
    quay.PROFILE,
    red_hat.PROFILE,
    registry_k8s_io.PROFILE,
    zot.PROFILE,
)
KINDS = sorted(((profile.name, profile.title) for profile in PROFILES), key=lambda kind: kind[1].lower())
"""Name and title of each product, for choices."""
_BY_NAME = {profile.name: profile for profile in PROFILES}


def profile_of(registry: str, *, kind: str = "") -> RegistryProfile:
    """What is known of a registry (`host[:port]`): by its kind where one is given, else by its host.

    A kind that is not known any more counts as none.
    """
    if kind in _BY_NAME:
        return _BY_NAME[kind]
    host = registry.partition(":")[0].lower()
    matching = (profile for profile in PROFILES if any(fnmatchcase(host, glob) for glob in profile.hosts))
    return next(matching, GENERIC)
