"""Blobs on their way from one registry to another: each byte once, whatever breaks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirrors.oci import Action, Code, CopyOptions, Descriptor, Progress, RemoteRepository, Side, copy_tags
from mirrors.oci.profile import GENERIC
from mirrors.oci.remote.blobs import downloads, uploads
from mirrors.oci.store.repository import Store, StoredRepository
from mirrors.sample.images import Image, image_of_size
from tests.registry import FaultyRegistry, StoredTags

MIB = 1 << 20


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off takes no time here."""
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)


@pytest.fixture
def image(source_registry: FaultyRegistry) -> Image:
    """One layer of 3 MiB, at the source."""
    image = image_of_size(3 * MIB, layers=1)
    source_registry.repository("library/app").put(image, tag="v1")
    return image


def layer_of(image: Image) -> Descriptor:
    return list(image.manifest.blobs())[1]


def total(image: Image) -> int:
    return sum(map(len, image.all_blobs().values()))


@pytest.fixture
def by_patch(monkeypatch: pytest.MonkeyPatch, target: RemoteRepository) -> RemoteRepository:
    """The target, to which everything over 1 MiB goes as what is large does."""
    monkeypatch.setattr(target._client.upload_habits, "_profile", replace(GENERIC, large=MIB))
    return target


async def test_breaks_on_both_sides_cost_no_byte_twice(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, by_patch, image: Image
) -> None:
    source_registry.switches.cuts = [MIB, MIB]
    target_registry.switches.upload_cuts = [2 * MIB]
    progress = Progress()
    (outcome,) = await copy_tags(source, by_patch, ["v1"], progress=progress)
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").blobs == image.all_blobs()
    assert (progress.bytes_copied, progress.bytes_expected) == (total(image), total(image))
    assert target_registry.repository("mirror/app").uploads == {}


async def test_blobs_that_break_off_go_on_though_each_host_takes_one_request_at_a_time(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, open_repository
) -> None:
    image = image_of_size(8 * MIB, layers=4)
    source_registry.repository("library/app").put(image, tag="v1")
    source_registry.switches.cuts = [MIB, MIB]
    source = await open_repository(source_registry.address, max_connections=1)
    target = await open_repository(target_registry.address, "mirror/app", side=Side.TARGET, max_connections=1)
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(tag_timeout=10))
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").blobs == image.all_blobs()


async def test_a_source_is_read_again_from_what_the_target_has_not_got(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, by_patch, image: Image
) -> None:
    # The config's body comes first or second: both are cut, and the small one is done again as a whole.
    target_registry.switches.upload_cuts = [2 * MIB, 2 * MIB]
    (outcome,) = await copy_tags(source, by_patch, ["v1"])
    assert outcome.action is Action.COPIED, outcome.reason
    asked = [request.headers.get("Range") for request in source_registry.seen("GET", layer_of(image).digest)]
    assert asked[0] is None
    assert f"bytes={2 * MIB}-" in asked or f"bytes={len(image.blobs[layer_of(image).digest]) - 1}-" in asked


async def test_a_target_that_breaks_a_put_gets_the_blob_again_and_it_counts_once(
    target_registry: FaultyRegistry, source, target, image: Image
) -> None:
    target_registry.switches.upload_cuts = [MIB, MIB]
    progress = Progress()
    (outcome,) = await copy_tags(source, target, ["v1"], progress=progress)
    assert outcome.action is Action.COPIED, outcome.reason
    assert progress.bytes_copied == outcome.bytes_copied == total(image)
    assert progress.blobs_copied == 2


async def test_a_lost_upload_starts_the_blob_again(
    target_registry: FaultyRegistry, source, by_patch, image: Image
) -> None:
    target_registry.fail("PATCH", "/uploads/", status=404, body=b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')
    (outcome,) = await copy_tags(source, by_patch, ["v1"])
    assert outcome.action is Action.COPIED, outcome.reason


async def test_a_blob_that_arrived_though_its_answer_did_not_is_not_sent_again(
    target_registry: FaultyRegistry, source, target, image: Image
) -> None:
    target_registry.repository("mirror/app").blobs.update(image.all_blobs())
    target_registry.fail("HEAD", "/blobs/", status=404, times=2)
    target_registry.fail("PUT", "/uploads/", status=504, body=b"<html>gateway timeout</html>", times=2)
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert (outcome.action, outcome.blobs_copied) == (Action.COPIED, 2), outcome.reason
    assert target_registry.count("PUT", "/uploads/") == 2


@pytest.mark.parametrize("ranges", ["yes", "no", "wrong", "416"])
async def test_content_that_changes_after_a_break_is_tried_once_from_the_start_and_never_tagged(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target, image: Image, ranges: str
) -> None:
    source_registry.switches.ranges, source_registry.switches.blobs = ranges, "corrupt"
    source_registry.switches.cuts = [MIB]
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.error
    assert outcome.error.code is Code.DIGEST_MISMATCH
    held: StoredTags = target_registry.repository("mirror/app")
    assert (held.tags, held.uploads) == ({}, {})
    assert layer_of(image).digest not in held.blobs


async def test_a_copy_out_of_the_built_in_store_goes_on_where_the_target_broke(
    target_registry: FaultyRegistry, source, by_patch, image: Image, tmp_path
) -> None:
    store = StoredRepository(Store(tmp_path / "store", fsync=False), "library/app")
    await copy_tags(source, store, ["v1"])
    target_registry.switches.upload_cuts = [2 * MIB, 2 * MIB]
    (outcome,) = await copy_tags(store, by_patch, ["v1"])
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").blobs == image.all_blobs()


async def test_a_download_into_the_built_in_store_goes_on_after_a_break(
    source_registry: FaultyRegistry, source, image: Image, tmp_path
) -> None:
    source_registry.switches.cuts = [MIB, MIB]
    store = StoredRepository(Store(tmp_path / "store", fsync=False), "library/app")
    (outcome,) = await copy_tags(source, store, ["v1"])
    assert (outcome.action, outcome.bytes_copied) == (Action.COPIED, total(image))


def test_what_is_tried_again_is_tried_a_few_times_only() -> None:
    assert len(downloads._PAUSES) < 6
    assert len(uploads._PAUSES) < 6
