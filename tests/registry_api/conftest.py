"""A farm with a public and a private repository, both full, and who may pull what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from mirrors.models import Namespace, Repository, RepositoryPermission, Robot, User
from mirrors.oci import Store, StoredRepository
from mirrors.sample.images import Image, image_of_size, small_image, small_index, store_image

INDEX, LARGE = small_index(1), image_of_size(3_000_000)
PRIVATE_IMAGE = small_image(7)


@dataclass(frozen=True)
class Door:
    """The served farm: `host:port`, its store, and the robot that may pull the private repository."""

    address: str
    store: Store
    robot: Robot

    @property
    def url(self) -> str:
        """`http://host:port`."""
        return f"http://{self.address}"


def fill(store: Store, name: str, tags: dict[str, Image]) -> None:
    """Put images into a repository of the store."""

    async def push() -> None:
        for tag, image in tags.items():
            await store_image(image, StoredRepository(store, name), tag=tag)

    asyncio.run(push())


@pytest.fixture
def repositories(organization: Namespace, store_dir: Path) -> Store:
    """`acme/public` and `acme/private`, which holds an image of its own."""
    store = Store(store_dir, fsync=False)
    Repository.objects.create(namespace=organization, name="public", visibility=Repository.Visibility.PUBLIC)
    Repository.objects.create(namespace=organization, name="private")
    fill(store, "acme/public", {"1.0": INDEX, "2.0": LARGE, "latest": INDEX})
    fill(store, "acme/private", {"secret": PRIVATE_IMAGE})
    return store


@pytest.fixture
def reader(robot: Robot, repositories: Store) -> Robot:
    """The robot, with the right to read the private repository."""
    repository = Repository.objects.get(name="private")
    RepositoryPermission.objects.create(repository=repository, robot=robot, role=RepositoryPermission.Role.READ)
    return robot


@pytest.fixture
def door(transactional_db: None, live_server: LiveServer, reader: Robot, repositories: Store) -> Iterator[Door]:
    """The farm's /v2/ on a real port."""
    return Door(live_server.url.removeprefix("http://"), repositories, reader)


@pytest.fixture
def teammate(make_user: Callable[..., User], repositories: Store) -> User:
    """Who may read the private repository and administers nothing."""
    user = make_user("teammate")
    repository = Repository.objects.get(name="private")
    RepositoryPermission.objects.create(repository=repository, user=user, role=RepositoryPermission.Role.READ)
    return user
