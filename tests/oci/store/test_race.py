"""A sync and a garbage collection in two processes: whatever the sync was told is there, is there when it tags."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mirrors.oci.content import in_memory
from mirrors.oci.images.manifest import Descriptor
from mirrors.oci.store.files import BLOBS
from mirrors.oci.store.garbage import collect_garbage
from mirrors.oci.store.partial import touch
from mirrors.oci.store.repository import Store, StoredRepository
from mirrors.sample.images import small_image, small_index, store_image

SECONDS = 4

COLLECTOR = """
import sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from mirrors.oci.store.repository import Store
from mirrors.oci.store.garbage import collect_garbage
store, removed, rounds = Store(Path(sys.argv[1]), fsync=False), 0, 0
end = time.monotonic() + float(sys.argv[2])
print("ready", flush=True)
while time.monotonic() < end:
    # Everything that a sync has not touched within the last ten minutes is fair game.
    removed += collect_garbage(store, untouched_since=datetime.now(UTC) - timedelta(minutes=10)).links_removed
    rounds += 1
print(removed, rounds)
"""


async def leave_old_orphans(store: Store, app: StoredRepository) -> None:
    """What the last sync left without a tag, an hour ago: the next sync may find it, the collection may remove it."""
    for seed in range(6):
        await store_image(small_index(seed), app)
    await store_image(small_image(99), app, tag="kept")
    hour_ago = time.time() - 3600
    for path in store.root.rglob("*"):
        with suppress(FileNotFoundError):  # the collector is at work already
            os.utime(path, (hour_ago, hour_ago))


async def sync_once(app: StoredRepository, *, tag: str, seed: int) -> None:
    """As the copy walk does it: what is reported present is not copied again, then the tag is set."""
    index = small_index(seed)
    for child in index.children:
        if await app.resolve(child.manifest.digest) is None:
            await store_image(child, app)
    await app.push_manifest(index.manifest, tag=tag)


async def assert_whole(store: Store, app: StoredRepository, *, tag: str, seed: int) -> None:
    for manifest in small_index(seed).manifests():
        assert await app.fetch_manifest(manifest.digest) == manifest, tag
    for digest, content in small_index(seed).all_blobs().items():
        found = store.find_blob(app.name, digest)
        assert found is not None, f"{tag} lost {digest}"
        assert found.path.read_bytes() == content


async def test_a_sync_loses_nothing_to_a_collection_in_another_process(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", fsync=False)
    app = StoredRepository(store, "team/app")
    argv = [sys.executable, "-c", COLLECTOR, str(store.root), str(SECONDS)]
    collector = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    try:
        assert collector.stdout is not None
        assert await collector.stdout.readline() == b"ready\n"
        rounds = 0
        while collector.returncode is None:
            await leave_old_orphans(store, app)
            await asyncio.sleep(0.002 * (rounds % 8))
            for seed in range(6):
                await sync_once(app, tag=f"v{seed}", seed=seed)
            for seed in range(6):
                await assert_whole(store, app, tag=f"v{seed}", seed=seed)
                await app.delete_tag(f"v{seed}")
            rounds += 1
        removed, collections = map(int, (await collector.stdout.read()).split())
    finally:
        with suppress(ProcessLookupError):
            collector.kill()
    assert rounds > 5
    assert collections > 5
    assert removed > 0, "the collector never met garbage: the race was not run"
    assert await app.list_tags() == ["kept"]


async def test_a_collection_waits_for_a_sync_that_is_looking_and_then_looks_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", fsync=False)
    app = StoredRepository(store, "team/app")
    await leave_old_orphans(store, app)
    image = small_index(0).children[0]
    with store.locked():  # a sync has just found the image and is about to touch it
        collection = asyncio.create_task(asyncio.to_thread(collect_garbage, store, untouched_since=_minutes_ago(10)))
        await asyncio.sleep(0.3)
        assert not collection.done()
        for digest in image.blobs:
            touch(store.link(app.name, BLOBS, digest))
    assert (await collection).links_removed > 0
    assert all([await app.has_blob(digest) for digest in image.blobs])


async def test_a_sync_that_looks_waits_for_a_removal_under_way(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", fsync=False)
    app = StoredRepository(store, "team/app")
    image = small_image()
    await store_image(image, app, tag="1.0")
    digest = next(iter(image.blobs))
    mount = StoredRepository(store, "other/app").push_blob(
        Descriptor("", digest, 1), in_memory(b""), mount_from=app.name
    )
    with store.locked(exclusive=True):
        looks = [app.has_blob(digest), app.resolve(image.manifest.digest), app.push_manifest(image.manifest), mount]
        waiting = [asyncio.ensure_future(look) for look in looks]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in waiting)
    await asyncio.gather(*waiting)


def _minutes_ago(minutes: int) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)
