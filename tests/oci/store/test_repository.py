"""The built-in store as a ContentRepository: what goes in comes out, and nothing unverified is ever in place."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from mirrors.oci.content import BlobReader, ContentRepository
from mirrors.oci.errors import Code, DigestMismatch, InvalidReference, NotFound, RegistryFault, Side
from mirrors.oci.images.manifest import OCI_MANIFEST, Descriptor, Manifest, sha256_digest
from mirrors.oci.store.partial import Partial
from mirrors.oci.store.repository import Store, StoredRepository
from mirrors.sample.images import Family, Image, image_of_size, small_image, small_index, store_image

MEBIBYTE = 1024 * 1024


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", fsync=False)


@pytest.fixture
def app(store: Store) -> StoredRepository:
    return StoredRepository(store, "team/app")


def blob(content: bytes, *, size: int | None = None) -> Descriptor:
    return Descriptor("application/octet-stream", sha256_digest(content), len(content) if size is None else size)


def pieces(*chunks: bytes) -> BlobReader:
    async def read(offset: int) -> AsyncGenerator[bytes]:
        for chunk in chunks:
            yield chunk

    return read


async def read(repository: StoredRepository, descriptor: Descriptor) -> bytes:
    return b"".join([chunk async for chunk in repository.open_blob(descriptor)])


def files(store: Store) -> set[str]:
    return {path.relative_to(store.root).as_posix() for path in store.root.rglob("*") if path.is_file()} - {"lock"}


@pytest.mark.parametrize(
    "image",
    [small_image(), small_image(family=Family.DOCKER), small_index(), small_index(family=Family.DOCKER)],
    ids=["oci manifest", "schema 2", "oci index", "manifest list"],
)
async def test_an_image_comes_back_byte_for_byte(app: ContentRepository, image: Image) -> None:
    await store_image(image, app, tag="1.0")
    assert await app.list_tags() == ["1.0"]
    assert await app.resolve("1.0") == image.manifest.descriptor
    for manifest in image.manifests():
        assert await app.resolve(manifest.digest) == manifest.descriptor
        assert await app.fetch_manifest(manifest.digest) == manifest
    for digest, content in image.all_blobs().items():
        assert await app.has_blob(digest)
        assert b"".join([chunk async for chunk in app.open_blob(Descriptor("", digest, len(content)))]) == content


async def test_content_is_stored_once_for_all_repositories(store: Store) -> None:
    image = image_of_size(100_000)
    for name in ("team/app", "other/app", "team/app/nested"):
        await store_image(image, StoredRepository(store, name), tag="1.0")
    assert len([path for path in files(store) if path.startswith("blobs/")]) == 3
    assert sorted(store.repositories()) == ["other/app", "team/app", "team/app/nested"]


async def test_a_blob_shows_only_in_the_repositories_that_hold_it(store: Store, app: StoredRepository) -> None:
    descriptor = blob(b"private")
    await app.push_blob(descriptor, pieces(b"private"))
    stranger = StoredRepository(store, "other/app")
    assert not await stranger.has_blob(descriptor.digest)
    assert store.find_blob("other/app", descriptor.digest) is None
    with pytest.raises(NotFound, match=r"no blob .* in other/app") as caught:
        await read(stranger, descriptor)
    assert caught.value.side is Side.TARGET


async def test_a_mount_takes_the_blob_over_from_the_repository_that_holds_it(
    store: Store, app: StoredRepository
) -> None:
    descriptor = blob(b"shared")
    await app.push_blob(descriptor, pieces(b"shared"))
    other = StoredRepository(store, "other/app")
    with pytest.raises(DigestMismatch):
        await other.push_blob(descriptor, pieces(), mount_from="nobody/else")
    assert not await other.has_blob(descriptor.digest)
    assert await other.push_blob(descriptor, pieces(), mount_from="team/app")
    assert await read(other, descriptor) == b"shared"


@pytest.mark.parametrize(
    ("chunks", "size", "says"),
    [
        ((b"wrong",), 5, "is sha256:"),
        ((b"ri",), 5, "after 2 of 5 bytes"),
        ((b"right", b"more"), 5, "longer than the 5 bytes"),
        ((), 5, "after 0 of 5"),
    ],
    ids=["other bytes", "cut short", "too long", "nothing"],
)
async def test_a_blob_that_is_not_what_was_promised_leaves_nothing(
    store: Store, app: StoredRepository, chunks: tuple[bytes, ...], size: int, says: str
) -> None:
    with pytest.raises(DigestMismatch, match=says) as caught:
        await app.push_blob(blob(b"right", size=size), pieces(*chunks))
    assert caught.value.side is Side.SOURCE
    assert files(store) == set()


async def test_an_endless_source_is_cut_off_at_the_promised_size(app: StoredRepository) -> None:
    sent = 0

    async def endless(offset: int) -> AsyncGenerator[bytes]:
        nonlocal sent
        while True:
            sent += MEBIBYTE
            yield bytes(MEBIBYTE)

    with pytest.raises(DigestMismatch):
        await app.push_blob(blob(b"x" * 10), endless)
    assert sent <= 2 * MEBIBYTE


async def test_an_empty_blob_is_a_blob(app: StoredRepository) -> None:
    await app.push_blob(blob(b""), pieces())
    assert await app.has_blob(sha256_digest(b""))
    assert await read(app, blob(b"")) == b""


async def test_a_sha512_blob_is_verified_by_its_own_algorithm(app: StoredRepository) -> None:
    digest = "sha512:" + hashlib.sha512(b"long").hexdigest()
    await app.push_blob(Descriptor("", digest, 4), pieces(b"long"))
    assert await app.has_blob(digest)
    with pytest.raises(DigestMismatch):
        await app.push_blob(Descriptor("", digest, 4), pieces(b"gnol"))


async def test_a_source_that_fails_halfway_leaves_nothing(store: Store, app: StoredRepository) -> None:
    async def broken(offset: int) -> AsyncGenerator[bytes]:
        yield bytes(2 * MEBIBYTE)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await app.push_blob(blob(bytes(4 * MEBIBYTE)), broken)
    assert files(store) == set()


async def test_a_cancelled_push_leaves_nothing(store: Store, app: StoredRepository) -> None:
    begun = asyncio.Event()

    async def stalled(offset: int) -> AsyncGenerator[bytes]:
        yield bytes(2 * MEBIBYTE)
        begun.set()
        await asyncio.sleep(60)

    push = asyncio.create_task(app.push_blob(blob(bytes(4 * MEBIBYTE)), stalled))
    await begun.wait()
    push.cancel()
    with pytest.raises(asyncio.CancelledError):
        await push
    assert files(store) == set()


async def test_cancelling_at_any_moment_leaves_a_whole_blob_or_none(store: Store, app: StoredRepository) -> None:
    content = bytes(8 * MEBIBYTE)
    for milliseconds in range(0, 30, 2):
        push = asyncio.create_task(app.push_blob(blob(content), pieces(*[content[:MEBIBYTE]] * 8)))
        await asyncio.sleep(milliseconds / 1000)
        push.cancel()
        await asyncio.gather(push, return_exceptions=True)
        if await app.has_blob(sha256_digest(content)):
            assert await read(app, blob(content)) == content
            break
    assert list((store.root / "incoming").iterdir()) == []


async def test_a_cancelled_push_ends_after_the_step_that_is_under_way(
    store: Store, app: StoredRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(MEBIBYTE)
    begun, go_on, put = threading.Event(), threading.Event(), Store.put_blob

    def put_late(store: Store, name: str, partial: Partial) -> None:
        begun.set()
        go_on.wait(30)
        put(store, name, partial)

    monkeypatch.setattr(Store, "put_blob", put_late)
    push = asyncio.create_task(app.push_blob(blob(content), pieces(content)))
    await asyncio.to_thread(begun.wait, 30)
    push.cancel()
    await asyncio.sleep(0.1)
    assert not push.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await push
    assert await app.has_blob(sha256_digest(content))
    assert list((store.root / "incoming").iterdir()) == []


async def test_the_event_loop_keeps_turning_while_a_large_blob_is_hashed(app: StoredRepository) -> None:
    content = bytes(64 * MEBIBYTE)
    turns = 0

    async def watch() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    await app.push_blob(blob(content), pieces(*[content[:MEBIBYTE]] * 64))
    watching.cancel()
    assert turns >= 64


async def test_two_pushes_of_one_blob_at_once_both_succeed(store: Store, app: StoredRepository) -> None:
    content = bytes(3 * MEBIBYTE)
    await asyncio.gather(*(app.push_blob(blob(content), pieces(content)) for _ in range(4)))
    assert await read(app, blob(content)) == content
    assert len([path for path in files(store) if path.startswith("blobs/")]) == 1


async def test_an_image_whose_blobs_were_never_pushed_is_refused(store: Store, app: StoredRepository) -> None:
    with pytest.raises(NotFound, match=r"team/app lacks the blob sha256:.* that 1\.0 needs"):
        await app.push_manifest(small_image().manifest, tag="1.0")
    assert files(store) == set()


async def test_a_layer_that_clients_fetch_elsewhere_need_not_be_here(app: StoredRepository) -> None:
    foreign = '{"mediaType":"x","digest":"sha256:%s","size":1,"urls":["https://example.com/layer"]}' % ("a" * 64)
    manifest = Manifest(f'{{"schemaVersion":2,"layers":[{foreign}]}}'.encode(), OCI_MANIFEST)
    await app.push_manifest(manifest, tag="windows")
    assert await app.resolve(manifest.digest) == manifest.descriptor


async def test_a_sparse_index_is_accepted(app: StoredRepository) -> None:
    index = small_index()
    await store_image(index.children[0], app)
    await app.push_manifest(index.manifest, tag="sparse")
    assert (await app.resolve("sparse")) == index.manifest.descriptor
    assert (await app.resolve(index.manifest.digest)) == index.manifest.descriptor
    assert await app.resolve(index.children[1].manifest.digest) is None


async def test_moving_a_tag_leaves_the_other_tags_where_they_are(app: StoredRepository) -> None:
    old, new = small_image(1), small_image(2)
    await store_image(old, app, tag="latest")
    await store_image(old, app, tag="1.0")
    await store_image(new, app, tag="latest")
    assert await app.resolve("latest") == new.manifest.descriptor
    assert await app.resolve("1.0") == old.manifest.descriptor


async def test_deleting_a_tag_spares_the_others_with_its_digest(app: StoredRepository) -> None:
    await store_image(small_image(), app, tag="1.0")
    await store_image(small_image(), app, tag="latest")
    await app.delete_tag("latest")
    await app.delete_tag("latest")
    assert await app.list_tags() == ["1.0"]
    assert await app.resolve("latest") is None


async def test_tags_come_in_byte_order(app: StoredRepository) -> None:
    for tag in ("b", "a", "B", "1.10", "1.9"):
        await store_image(small_image(), app, tag=tag)
    assert await app.list_tags() == ["1.10", "1.9", "B", "a", "b"]


async def test_a_repository_nobody_pushed_to_is_not_found(app: StoredRepository) -> None:
    with pytest.raises(NotFound, match="no repository team/app") as caught:
        await app.list_tags()
    assert caught.value.code is Code.NOT_FOUND
    assert await app.resolve("latest") is None
    with pytest.raises(NotFound, match="no latest in team/app"):
        await app.fetch_manifest("latest")


async def test_a_wrong_name_or_tag_is_refused_before_the_disk_is_touched(store: Store, app: StoredRepository) -> None:
    with pytest.raises(InvalidReference, match="is not allowed"):
        StoredRepository(store, "../etc")
    with pytest.raises(InvalidReference, match="not a tag"):
        await app.push_manifest(small_index().manifest, tag="../../x")
    assert files(store) == set()


async def test_a_manifest_damaged_on_disk_is_noticed_and_healed_by_the_next_push(
    store: Store, app: StoredRepository
) -> None:
    image = small_image()
    await store_image(image, app, tag="1.0")
    store.content_path(image.manifest.digest).write_bytes(b"{}")
    with pytest.raises(DigestMismatch, match="damaged on disk"):
        await app.fetch_manifest("1.0")
    assert await app.resolve(image.manifest.digest) is None
    await app.push_manifest(image.manifest)
    assert await app.fetch_manifest("1.0") == image.manifest


async def test_deleting_a_repository_spares_those_nested_below_its_name(store: Store, app: StoredRepository) -> None:
    nested = StoredRepository(store, "team/app/nested")
    await store_image(small_image(), app, tag="1.0")
    await store_image(small_image(), nested, tag="1.0")
    store.delete_repository("team/app")
    assert list(store.repositories()) == ["team/app/nested"]
    assert await nested.list_tags() == ["1.0"]
    store.delete_repository("team/app/nested")
    store.delete_repository("team/app/nested")
    assert list(store.repositories()) == []
    assert not (store.root / "repositories" / "team").exists()


async def test_a_store_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    app = StoredRepository(Store(tmp_path / "store"), "team/app", side=Side.SOURCE)
    with pytest.raises(RegistryFault, match=r"cannot be used: .* Check the folder") as caught:
        await app.push_blob(blob(b"x"), pieces(b"x"))
    assert caught.value.side is Side.SOURCE


FULL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from mirrors.oci.store.repository import Store, StoredRepository
from mirrors.sample.images import image_of_size, store_image
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
app = StoredRepository(Store(Path(sys.argv[1])), "team/app")
try:
    asyncio.run(store_image(image_of_size(3_000_000), app, tag="big"))
except Exception as error:
    print(type(error).__name__, error.code, error)
"""


def test_a_disk_that_takes_no_more_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("QuotaExceeded quota The built-in store in"), run.stdout + run.stderr
    assert "Free some space" in run.stdout
    assert list((tmp_path / "incoming").iterdir()) == []
