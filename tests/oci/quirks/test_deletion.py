"""Rule 20: deletion that is off, by digest only or by tag, and that never takes a tag along which shares a digest."""

from __future__ import annotations

import pytest

from mirrors.oci import Unsupported
from mirrors.sample.images import small_image
from tests.registry import FaultyRegistry, StoredTags


@pytest.fixture
def held(target_registry: FaultyRegistry) -> StoredTags:
    """Three tags at the target, two of them of one digest."""
    held = target_registry.repository("mirror/app")
    held.put(small_image(1), tag="old")
    held.put(small_image(1), tag="same")
    held.put(small_image(2), tag="other")
    return held


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_every_status_of_success_is_a_deletion(
    target_registry: FaultyRegistry, held: StoredTags, target, status: int
) -> None:
    target_registry.fail("DELETE", "/manifests/", status=status)
    await target.delete_tag("old")
    assert target_registry.count() == 1


@pytest.mark.parametrize("deletes", ["tags", "digests"])
async def test_a_tag_goes_without_the_others_of_its_digest(held: StoredTags, target, target_registry, deletes) -> None:
    target_registry.switches.deletes = deletes
    digest = held.tags["same"]
    await target.delete_tag("old")
    assert sorted(held.tags) == ["other", "same"]
    assert held.is_complete(digest)


@pytest.mark.parametrize("deletes", ["none", "400"])
async def test_where_deletion_is_off_nothing_changes_and_it_is_said(
    target_registry: FaultyRegistry, held: StoredTags, target, deletes: str
) -> None:
    target_registry.switches.deletes = deletes
    before = dict(held.tags)
    with pytest.raises(Unsupported, match=target_registry.address):
        await target.delete_tag("old")
    assert held.tags == before
    assert held.uploads == {}


async def test_a_tag_that_is_gone_is_deleted(target_registry: FaultyRegistry, held: StoredTags, target) -> None:
    await target.delete_tag("never-there")
    assert sorted(held.tags) == ["old", "other", "same"]
