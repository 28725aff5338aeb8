"""The registries of the engine's tests, for what differs between products."""

from __future__ import annotations

from tests.oci.conftest import open_repository, source, source_registry, target_registry

__all__ = ["open_repository", "source", "source_registry", "target_registry"]
