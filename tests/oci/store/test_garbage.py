"""Garbage collection removes what nothing needs, and never what a running sync writes or counts on."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mirrors.oci.content import in_memory
from mirrors.oci.images.manifest import OCI_MANIFEST, Descriptor, Manifest, sha256_digest
from mirrors.oci.store.garbage import GarbageReport, collect_garbage
from mirrors.oci.store.repository import Store, StoredRepository
from mirrors.sample.images import Family, Image, build_index, image_of_size, small_image, small_index, store_image

NOTHING = GarbageReport(blobs_removed=0, bytes_freed=0, links_removed=0, partials_removed=0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", fsync=False)


@pytest.fixture
def app(store: Store) -> StoredRepository:
    return StoredRepository(store, "team/app")


def later() -> datetime:
    """A moment after everything that happened so far."""
    return datetime.now(UTC) + timedelta(seconds=1)


def make_old(store: Store) -> None:
    """As if a day had passed."""
    yesterday = time.time() - 86_400
    for path in store.root.rglob("*"):
        os.utime(path, (yesterday, yesterday))


def today() -> datetime:
    """The start of a sync that runs now, where everything else is from yesterday."""
    return datetime.now(UTC) - timedelta(hours=1)


async def is_whole(image: Image, repository: StoredRepository, tag: str) -> bool:
    found = await repository.fetch_manifest(tag)
    for manifest in image.manifests():
        assert await repository.fetch_manifest(manifest.digest) == manifest
    for digest, content in image.all_blobs().items():
        chunks = [chunk async for chunk in repository.open_blob(Descriptor("", digest, len(content)))]
        assert b"".join(chunks) == content
    return found == image.manifest


async def test_an_empty_store_has_no_garbage(store: Store) -> None:
    assert collect_garbage(store, untouched_since=later()) == NOTHING


@pytest.mark.parametrize(
    "image",
    [small_index(), small_index(family=Family.DOCKER), build_index({"amd64": small_index(1), "arm64": small_image(2)})],
    ids=["oci index", "manifest list", "nested index"],
)
async def test_everything_a_tag_reaches_stays(store: Store, app: StoredRepository, image: Image) -> None:
    await store_image(image, app, tag="1.0")
    assert collect_garbage(store, untouched_since=later()) == NOTHING
    assert await is_whole(image, app, "1.0")


async def test_what_only_a_deleted_tag_reached_goes_to_the_last_byte(store: Store, app: StoredRepository) -> None:
    kept, gone = small_index(1), small_index(2)
    await store_image(kept, app, tag="1.0")
    before = {path for path in (store.root / "blobs").rglob("*") if path.is_file()}
    await store_image(gone, app, tag="2.0")
    await app.delete_tag("2.0")
    size = sum(map(len, gone.all_blobs().values())) + sum(len(manifest.content) for manifest in gone.manifests())
    report = collect_garbage(store, untouched_since=later())
    assert report == GarbageReport(blobs_removed=13, bytes_freed=size, links_removed=13, partials_removed=0)
    assert {path for path in (store.root / "blobs").rglob("*") if path.is_file()} == before
    assert await is_whole(kept, app, "1.0")


async def test_content_that_another_repository_holds_stays(store: Store, app: StoredRepository) -> None:
    image, other = small_image(), StoredRepository(store, "other/app")
    await store_image(image, app, tag="1.0")
    await store_image(image, other, tag="1.0")
    store.delete_repository("team/app")
    assert collect_garbage(store, untouched_since=later()) == NOTHING
    assert await is_whole(image, other, "1.0")
    store.delete_repository("other/app")
    assert collect_garbage(store, untouched_since=later()).blobs_removed == 3
    assert not [path for path in (store.root / "blobs").rglob("*") if path.is_file()]


async def test_more_garbage_than_one_batch_goes_at_once(store: Store, app: StoredRepository) -> None:
    for seed in range(70):
        await store_image(small_image(seed), app, tag=f"v{seed}")
        await app.delete_tag(f"v{seed}")
    report = collect_garbage(store, untouched_since=later())
    assert (report.blobs_removed, report.links_removed) == (210, 210)


async def test_what_a_running_sync_has_pushed_but_not_tagged_stays(store: Store, app: StoredRepository) -> None:
    index = small_index()
    await store_image(index.children[0], app)
    assert collect_garbage(store, untouched_since=today()) == NOTHING


@pytest.mark.parametrize("what", ["has_blob", "resolve", "mount", "push index"])
async def test_what_a_running_sync_has_found_stays(store: Store, app: StoredRepository, what: str) -> None:
    image = small_image()
    index = build_index({"amd64": image})
    await store_image(image, app)
    make_old(store)
    target, expected = app, 3
    if what == "has_blob":
        for digest in image.blobs:
            assert await app.has_blob(digest)
        expected = 2
    elif what == "resolve":
        assert await app.resolve(image.manifest.digest)
    elif what == "mount":
        target, expected = StoredRepository(store, "other/app"), 2
        for digest in image.blobs:
            assert await target.push_blob(Descriptor("", digest, 1), in_memory(b""), mount_from="team/app")
    else:
        await app.push_manifest(index.manifest)
        expected = 4
    collect_garbage(store, untouched_since=today())
    assert len([path for path in (store.root / "blobs").rglob("*") if path.is_file()]) == expected
    assert all([await target.has_blob(digest) for digest in image.blobs])


async def test_a_partial_file_stays_while_it_is_written_and_goes_once_abandoned(
    store: Store, app: StoredRepository
) -> None:
    content = bytes(3 * 1024 * 1024)
    half, resume = asyncio.Event(), asyncio.Event()

    async def slow(offset: int) -> AsyncGenerator[bytes]:
        yield content[: 2 * 1024 * 1024]
        half.set()
        await resume.wait()
        yield content[2 * 1024 * 1024 :]

    (store.root / "incoming").mkdir(parents=True)
    crashed = store.root / "incoming" / "partial-of-a-killed-worker"
    crashed.write_bytes(b"half")
    os.utime(crashed, (0, 0))
    push = asyncio.create_task(app.push_blob(Descriptor("", sha256_digest(content), len(content)), slow))
    await half.wait()
    assert collect_garbage(store, untouched_since=today()).partials_removed == 1
    resume.set()
    await push
    assert await app.has_blob(sha256_digest(content))
    assert not crashed.exists()


async def test_a_referrer_lives_as_long_as_its_subject(store: Store, app: StoredRepository) -> None:
    image, config = small_image(), b"{}"
    await store_image(image, app, tag="1.0")
    await app.push_blob(Descriptor("", sha256_digest(config), 2), in_memory(config))
    about = {"mediaType": OCI_MANIFEST, "digest": image.manifest.digest, "size": len(image.manifest.content)}
    own = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": sha256_digest(config), "size": 2}
    signature = Manifest(json.dumps({"config": own, "layers": [], "subject": about}).encode(), OCI_MANIFEST)
    await app.push_manifest(signature)
    assert collect_garbage(store, untouched_since=later()) == NOTHING
    await app.delete_tag("1.0")
    # Two manifests, three blobs, and the link that says which of the manifests refers to the other.
    assert collect_garbage(store, untouched_since=later()).links_removed == 6


async def test_a_damaged_manifest_does_not_stop_the_collection(store: Store, app: StoredRepository) -> None:
    broken, kept = small_image(1), small_image(2)
    await store_image(broken, app, tag="broken")
    await store_image(kept, app, tag="kept")
    store.content_path(broken.manifest.digest).write_bytes(b"not json")
    collect_garbage(store, untouched_since=later())
    assert await app.list_tags() == ["broken", "kept"]
    assert await is_whole(kept, app, "kept")


async def test_a_nest_of_indexes_deeper_than_the_recursion_limit_is_walked(store: Store, app: StoredRepository) -> None:
    image = small_image()
    await store_image(image, app)
    nest = [image.manifest]
    for _ in range(1100):
        nest.append(build_index({"amd64": Image(nest[-1])}).manifest)
    for manifest in reversed(nest[1:]):  # from the outside in: each is sparse until the next one comes
        store.put_manifest(app.name, manifest, tag="deep" if manifest is nest[-1] else None)
    assert collect_garbage(store, untouched_since=later()) == NOTHING
    assert await app.resolve(nest[-1].digest)


async def test_a_large_blob_frees_its_bytes(store: Store, app: StoredRepository) -> None:
    image = image_of_size(1_000_000, layers=3)
    await store_image(image, app, tag="1.0")
    await app.delete_tag("1.0")
    assert collect_garbage(store, untouched_since=later()).bytes_freed > 1_000_000
