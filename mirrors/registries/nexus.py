"""Sonatype Nexus Repository."""

from __future__ import annotations

from mirrors.oci.profile import MIB, RegistryProfile

# Manifests may have 10 MiB (sonatype/nexus-public#1040).
PROFILE = RegistryProfile(
    "nexus",
    "Sonatype Nexus",
    manifest_limit=10 * MIB,
)
