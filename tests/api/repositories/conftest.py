"""A remote registry where acme keeps its repositories."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mirrors.models import Registry, Repository
from tests.registry import FaultyRegistry


@pytest.fixture
def registry() -> Iterator[FaultyRegistry]:
    """An empty remote registry."""
    with FaultyRegistry() as registry:
        yield registry


@pytest.fixture
def remote(repository: Repository, registry: FaultyRegistry) -> FaultyRegistry:
    """The same, where acme keeps its repositories."""
    target = Registry.objects.create(name="there", address=registry.address, verify_tls=False)
    repository.namespace.target_registry = target
    repository.namespace.save()
    return registry
