"""What several farm tests need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from mirrors.sample.images import image_of_size, small_image
from tests.fixtures.farms import Farm, FarmMirror, Organization
from tests.fixtures.links import FAST, Link
from tests.fixtures.registries import TARGET_ACCOUNT, DockerRegistry
from tests.fixtures.waiting import wait_until

BIG = image_of_size(2_000_000, layers=2, seed=1)


@dataclass(frozen=True)
class SlowSource:
    """A repository behind a slow line, with the tags big (2 MB), small and other."""

    link: Link
    reference: str

    def let_go(self) -> None:
        """Make the line fast."""
        self.link.bytes_per_second = FAST

    def wait_until_copying(self, mirror: FarmMirror) -> SimpleNamespace:
        """Wait until a worker is in the middle of copying the big image; gives the sync."""

        def in_the_middle() -> SimpleNamespace | None:
            sync = mirror.syncs()[-1]
            return sync if sync.status == "running" and sync.bytes_copied > 50_000 else None

        return wait_until(in_the_middle, 30, lambda: f"{mirror.full_name} copies: {mirror.syncs()}")


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


@pytest.fixture
def slow_source(docker_registry: DockerRegistry, make_link: Callable[[str], Link]) -> SlowSource:
    """An image of 2 MB that takes about twenty seconds to copy, unless the test lets the line go."""
    if "big" not in docker_registry.tags("slow/app"):
        docker_registry.push("slow/app", {"big": BIG, "small": small_image(5), "other": small_image(6)})
    link = make_link(docker_registry.address)
    link.bytes_per_second = 100_000
    return SlowSource(link, f"{link.address}/slow/app")
