"""Rule 3: HEAD that is not there, says 404 of what exists, or tells neither digest nor length."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, Code, copy_tags
from mirrors.sample.images import small_image, small_index
from tests.oci.quirks.conftest import Mirror
from tests.registry import FaultyRegistry, StoredTags


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_registry_without_head_is_read_by_get(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    app: StoredTags,
    mirror: Mirror,
    side: str,
    status: int,
) -> None:
    index = small_index()
    app.put(index, tag="v1")
    registry = source_registry if side == "source" else target_registry
    registry.switches.head_manifests, registry.switches.head_refusal = False, status
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").is_complete(index.manifest.digest)


@pytest.mark.parametrize("fault", ["no HEAD", "no digest"])
async def test_that_head_is_of_no_use_is_found_out_soon(
    source_registry: FaultyRegistry, app: StoredTags, source, fault: str
) -> None:
    switches = source_registry.switches
    switches.head_manifests, switches.digest_header = fault != "no HEAD", "none" if fault == "no digest" else "right"
    for number in range(5):
        app.put(small_image(number), tag=f"v{number}")
    for tag in app.tags:
        found = await source.resolve(tag)
        assert found.digest == app.tags[tag]
    assert source_registry.count("GET", "/manifests/") == 5
    assert source_registry.count("HEAD") == 2


async def test_a_head_without_a_length_will_do(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    app.put(small_index(), tag="v1")
    source_registry.switches.head_length = target_registry.switches.head_length = False
    assert (await mirror()).action is Action.COPIED
    assert (await mirror()).action is Action.UNCHANGED
    assert source_registry.count("GET", "/manifests/") == 5


async def test_blobs_are_sent_where_their_head_is_not_there(
    target_registry: FaultyRegistry, app: StoredTags, source, target
) -> None:
    target_registry.switches.head_blobs = False
    image = small_image()
    app.put(image, tag="v1")
    target_registry.repository("mirror/app")
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").blobs == image.all_blobs()


async def test_a_digest_that_the_bytes_do_not_have_is_never_trusted(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.switches.digest_header = "wrong"
    outcome = await mirror()
    assert (outcome.action, outcome.error and outcome.error.code) == (Action.FAILED, Code.DIGEST_MISMATCH)
    assert target_registry.repository("mirror/app").tags == {}
