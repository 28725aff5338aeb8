"""Two registries that can be told to misbehave, and clients to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from mirrors.oci import Credentials, EgressGuard, Endpoint, HostPauses, RegistryClient, RemoteRepository, Side, Timeouts
from mirrors.sample.images import Family, Image, build_index, small_image, small_index
from tests.registry import FaultyRegistry

QUICK = Timeouts(connect=1.0, read=1.0, commit=2.0)

Open = Callable[..., RemoteRepository]


@pytest.fixture
def source_registry() -> Iterator[FaultyRegistry]:
    """The registry that is copied from."""
    with FaultyRegistry() as registry:
        yield registry


@pytest.fixture
def target_registry() -> Iterator[FaultyRegistry]:
    """The registry that is copied to."""
    with FaultyRegistry() as registry:
        yield registry


@pytest.fixture
async def open_repository() -> AsyncIterator[Callable[..., object]]:
    """`await open_repository(address, name)`: a RemoteRepository whose client is closed at the end."""
    async with AsyncExitStack() as stack:

        async def open_one(
            address: str,
            name: str = "library/app",
            *,
            side: Side = Side.SOURCE,
            credentials: Credentials | None = None,
            guard: EgressGuard | None = None,
            timeouts: Timeouts = QUICK,
            first_pause: float = 0.01,
            pauses: HostPauses | None = None,
            **endpoint: object,
        ) -> RemoteRepository:
            settings = {"verify_tls": False, **endpoint}
            client = RegistryClient(
                Endpoint(address, credentials=credentials, **settings),  # type: ignore[arg-type]
                side=side,
                guard=guard,
                timeouts=timeouts,
                first_pause=first_pause,
                # Not those of the process: the next registry may get this one's port.
                pauses=HostPauses() if pauses is None else pauses,
            )
            await stack.enter_async_context(client)
            return RemoteRepository(client, name)

        yield open_one


@pytest.fixture
async def source(source_registry: FaultyRegistry, open_repository: Open) -> RemoteRepository:
    """library/app of the source registry."""
    source_registry.repository("library/app")
    return await open_repository(source_registry.address)  # type: ignore[misc, no-any-return]


@pytest.fixture
async def target(target_registry: FaultyRegistry, open_repository: Open) -> RemoteRepository:
    """mirror/app of the target registry, which does not exist yet."""
    return await open_repository(target_registry.address, "mirror/app", side=Side.TARGET)  # type: ignore[misc, no-any-return]


@pytest.fixture
def images(source_registry: FaultyRegistry) -> dict[str, Image]:
    """One of each kind, at the source."""
    images = {
        "docker": small_image(1, family=Family.DOCKER),
        "index": small_index(2),
        "list": small_index(3, family=Family.DOCKER),
        "nested": build_index({"amd64": small_index(2), "arm64": small_index(4)}),
        "oci": small_image(5),
    }
    for tag, image in images.items():
        source_registry.repository("library/app").put(image, tag=tag)
    return images


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off takes no time here."""
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
