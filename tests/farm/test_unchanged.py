"""A repository that has not changed costs its source one HEAD per tag and the tag list, and no content anywhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mirrors.sample.images import small_image, small_index
from tests.fixtures.farms import Farm, FarmMirror, in_profile
from tests.registry import FaultyRegistry

pytestmark = pytest.mark.farm

TAGS = 500


@pytest.fixture
def source() -> Iterator[FaultyRegistry]:
    """A counting registry with 500 tags, some of them indexes, in pages of 100."""
    with FaultyRegistry() as registry:
        repository = registry.repository("team/app")
        for number in range(TAGS):
            repository.put(small_index(number) if number % 50 == 0 else small_image(number), tag=f"v{number}")
        registry.switches.tag_page_size = 100
        yield registry


@pytest.fixture
def target() -> Iterator[FaultyRegistry]:
    """An empty counting registry."""
    with FaultyRegistry() as registry:
        yield registry


def test_a_second_sync_into_the_built_in_store_asks_only_for_the_tag_list_and_heads(
    farm: Farm, source: FaultyRegistry
) -> None:
    mirror = farm.mirror(f"{source.address}/team/app")
    copy_everything(mirror)
    source.requests.clear()

    sync = mirror.sync()

    assert (sync.status, sync.tags_unchanged, sync.bytes_copied) == ("succeeded", TAGS, 0)
    assert_cheap(source)


@in_profile("farm")
def test_a_second_sync_into_a_remote_registry_asks_neither_side_for_a_manifest_or_a_blob(
    farm: Farm, source: FaultyRegistry, target: FaultyRegistry
) -> None:
    mirror = farm.organization(registry={"address": target.address}).mirror(f"{source.address}/team/app")
    copy_everything(mirror)
    source.requests.clear()
    target.requests.clear()

    sync = mirror.sync()

    assert (sync.status, sync.tags_unchanged, sync.bytes_copied) == ("succeeded", TAGS, 0)
    assert_cheap(source)
    assert target.count("HEAD", "/manifests/") <= TAGS
    assert target.count("GET", "/manifests/") == 0
    assert target.count("", "/blobs/") == 0
    assert {request.method for request in target.requests} <= {"GET", "HEAD"}


def copy_everything(mirror: FarmMirror) -> None:
    """The first sync."""
    first = mirror.sync(timeout=120)
    assert (first.status, first.tags_copied) == ("succeeded", TAGS), first.message


def assert_cheap(source: FaultyRegistry) -> None:
    """One HEAD per tag, the pages of the tag list, and, because somebody asked for the sync, one look for referrers."""
    heads = [request.path for request in source.seen("HEAD", "/manifests/")]
    assert len(heads) == len(set(heads)) <= TAGS
    assert source.count("GET", "/manifests/") == 0
    assert source.count("", "/blobs/") == 0
    assert source.count("GET", "/tags/list") == TAGS // 100
    others = [request for request in source.requests if request.path not in ("/v2/", "/v2/team/app/tags/list")]
    assert len(others) == len(heads) + source.count("GET", "/referrers/") <= 2 * TAGS
