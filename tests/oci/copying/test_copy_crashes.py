"""A copy that dies after any of its requests leaves whole tags, and the next one completes what it has begun."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from mirrors.oci import (
    Action,
    CopyOptions,
    Endpoint,
    HostPauses,
    RegistryClient,
    RemoteRepository,
    Side,
    TagOutcome,
    copy_tags,
)
from mirrors.oci.images.companions import fallback_tag
from mirrors.sample.images import Image, small_image, small_index
from tests.oci.artifacts import put_cosign, referrer
from tests.registry import FaultyRegistry

TAGS = ["sbom", "v1"]


@pytest.fixture
def image(source_registry: FaultyRegistry) -> Image:
    """An index with a signature of each kind, and an artifact that is a tag, at the source."""
    app, image = source_registry.repository("library/app"), small_index(1, architectures=("amd64",))
    app.put(image, tag="v1")
    app.put(referrer(image))
    app.put(referrer(small_image(2)), tag="sbom")
    put_cosign(app, image.manifest.digest)
    return image


@pytest.fixture
def copy_once(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source: RemoteRepository, no_pauses: None
) -> Callable[[str], Awaitable[list[TagOutcome]]]:
    """`await copy_once(name)`: the outcomes of a copy to this repository, by a client that tries nothing twice."""

    async def copy(name: str) -> list[TagOutcome]:
        endpoint = Endpoint(target_registry.address, verify_tls=False)
        async with RegistryClient(endpoint, side=Side.TARGET, attempts=1, pauses=HostPauses()) as client:
            options = CopyOptions(source_tags=list(source_registry.repository("library/app").tags))
            return await copy_tags(source, RemoteRepository(client, name), TAGS, options=options)

    return copy


@pytest.mark.parametrize("referrers", ["on", "404"])
async def test_a_copy_may_die_at_any_request(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    image: Image,
    copy_once: Callable[[str], Awaitable[list[TagOutcome]]],
    referrers: str,
) -> None:
    target_registry.switches.referrers = referrers
    signature = referrer(image).manifest.digest
    outcomes: list[TagOutcome] = []
    for step in range(100):
        name = f"mirror/app{step}"
        held = target_registry.repository(name)
        target_registry.fail("*", ".", status=503, times=1_000_000, after=step)
        outcomes = await copy_once(name)
        assert all(move.complete for move in held.moves)
        assert all(held.tags.get(outcome.tag) == outcome.target_digest for outcome in outcomes)
        target_registry.heal()
        again = await copy_once(name)
        assert {outcome.action for outcome in again} <= {Action.COPIED, Action.UNCHANGED}
        assert set(source_registry.repository("library/app").tags) <= set(held.tags)
        assert signature in held.manifests
        if referrers == "404":
            index = held.manifest(fallback_tag(image.manifest.digest))
            assert index is not None
            assert [entry.digest for entry in index.entries()] == [signature]
        if {outcome.action for outcome in outcomes} == {Action.COPIED}:
            break
    assert {outcome.action for outcome in outcomes} == {Action.COPIED}
