"""Rule 17: bytes that are compressed on the way, though nobody has asked for it."""

from __future__ import annotations

from mirrors.oci import Action
from mirrors.sample.images import small_index
from tests.oci.quirks.conftest import Mirror
from tests.registry import FaultyRegistry, StoredTags


async def test_a_compressed_manifest_is_hashed_as_what_it_was(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    index = small_index()
    app.put(index, tag="v1")
    source_registry.switches.manifest_encoding = "gzip"
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    held = target_registry.repository("mirror/app")
    assert {each.content for each in held.manifests.values()} == {each.content for each in index.manifests()}


async def test_nothing_compressed_is_asked_for(
    source_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    app.put(small_index(), tag="v1")
    await mirror()
    assert {request.headers["Accept-Encoding"] for request in source_registry.requests} == {"identity"}
