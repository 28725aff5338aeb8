"""Rule 16: what is spoken on the connections, and that one which breaks costs a request and no more."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, copy_tags
from mirrors.sample.images import image_of_size, small_image, small_index
from tests.oci.quirks.conftest import Mirror
from tests.registry import FaultyRegistry, StoredTags

MIB = 1 << 20
LARGE = image_of_size(3 * MIB)


async def test_nobody_is_kept_waiting_for_100_continue(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    app.put(LARGE, tag="v1")
    assert (await mirror()).action is Action.COPIED
    for request in [*source_registry.requests, *target_registry.requests]:
        assert "Expect" not in request.headers
        assert "Upgrade" not in request.headers


@pytest.mark.parametrize(
    ("side", "method", "path"),
    [
        ("source", "HEAD", "/manifests/"),
        ("source", "GET", "/manifests/"),
        ("source", "GET", "/blobs/"),
        ("target", "HEAD", "/"),
        ("target", "POST", "/uploads/"),
        ("target", "PUT", "/uploads/"),
        ("target", "PUT", "/manifests/"),
    ],
)
async def test_a_connection_that_is_closed_without_an_answer_costs_one_more_request(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    app: StoredTags,
    mirror: Mirror,
    side: str,
    method: str,
    path: str,
) -> None:
    app.put(small_index(), tag="v1")
    registry = source_registry if side == "source" else target_registry
    registry.fail(method, path, status=0, times=2)
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").is_complete(app.tags["v1"])


@pytest.mark.parametrize("at", [0, 1, 65_536, 3 * MIB - 1])
async def test_a_download_that_is_cut_at_any_byte_goes_on_from_there(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, at: int
) -> None:
    app.put(LARGE, tag="v1")
    source_registry.switches.cuts = [at]
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").blobs == LARGE.all_blobs()


@pytest.mark.parametrize("ranges", ["no", "wrong", "416"])
async def test_a_download_that_cannot_go_on_begins_again(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, ranges: str
) -> None:
    app.put(LARGE, tag="v1")
    source_registry.switches.cuts, source_registry.switches.ranges = [MIB], ranges
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").blobs == LARGE.all_blobs()


async def test_manifests_and_lists_may_come_in_drips(
    source_registry: FaultyRegistry, app: StoredTags, source, target
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.switches.drip = 0.0005
    assert await source.list_tags() == ["v1"]
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED, outcome.reason
