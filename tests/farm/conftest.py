"""What several farm tests need."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fixtures.farms import Farm, Organization
from tests.fixtures.registries import TARGET_ACCOUNT, DockerRegistry


@pytest.fixture(scope="session")
def target_registry(make_docker_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    """A docker-registry to mirror into, which wants a login."""
    return make_docker_registry(account=TARGET_ACCOUNT)


@pytest.fixture
def remote_organization(farm: Farm, target_registry: DockerRegistry) -> Organization:
    """An organization whose repositories are kept in `target_registry`."""
    return farm.organization(
        registry={
            "address": target_registry.address,
            "username": TARGET_ACCOUNT.username,
            "password": TARGET_ACCOUNT.password,
        }
    )
