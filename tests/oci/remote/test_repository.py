from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from mirrors.oci import (
    ConnectionFailed,
    Credentials,
    Descriptor,
    DigestMismatch,
    InvalidReference,
    MalformedAnswer,
    NotFound,
    OCIError,
    RegistryFault,
    RegistryTimeout,
    Side,
    Unsupported,
)
from mirrors.oci.content import BlobReader
from mirrors.oci.images.manifest import OCI_INDEX, OCI_MANIFEST, Manifest, sha256_digest
from mirrors.oci.profile import UploadStyle
from mirrors.sample.images import image_of_size, small_image, small_index
from tests.registry import FaultyRegistry
from tests.registry.switches import Login

MIB = 1 << 20


def pieces(content: bytes, size: int = 100_000) -> BlobReader:
    async def read(offset: int) -> AsyncGenerator[bytes]:
        for start in range(offset, len(content), size):
            yield content[start : start + size]

    return read


def blob(content: bytes) -> Descriptor:
    return Descriptor("application/octet-stream", sha256_digest(content), len(content))


@pytest.mark.parametrize("link", ["relative", "absolute", "foreign"])
async def test_all_pages_of_tags_are_listed(source_registry: FaultyRegistry, source, link: str) -> None:
    source_registry.switches.tag_page_size, source_registry.switches.link = 2, link
    for number in range(5):
        source_registry.repository("library/app").put(small_image(number), tag=f"v{number}")
    assert await source.list_tags() == ["v0", "v1", "v2", "v3", "v4"]
    assert source_registry.count("GET", "/tags/") == 3


async def test_a_list_that_links_to_itself_ends(source_registry: FaultyRegistry, source) -> None:
    source_registry.switches.tag_page_size, source_registry.switches.link = 1, "loop"
    for tag in ("a", "b"):
        source_registry.repository("library/app").put(small_image(), tag=tag)
    assert await source.list_tags() == ["a"]
    assert source_registry.count() == 2


async def test_a_list_without_end_is_given_up(source_registry: FaultyRegistry, source, monkeypatch) -> None:
    monkeypatch.setattr("mirrors.oci.remote.tag_lists._MOST_TAGS", 100)
    source_registry.switches.tag_page_size = 50
    source_registry.repository("library/app").tags = {f"v{number:03}": "" for number in range(200)}
    with pytest.raises(MalformedAnswer, match="without end"):
        await source.list_tags()
    monkeypatch.setattr("mirrors.oci.remote.tag_lists._LISTING_SECONDS", 0.1)
    source_registry.switches.delay = 0.2
    with pytest.raises(RegistryTimeout, match="too slowly"):
        await source.list_tags()


async def test_what_is_no_tag_is_left_out_of_the_list(source_registry: FaultyRegistry, source) -> None:
    source_registry.switches.odd_tags = True
    source_registry.repository("library/app").put(small_image(), tag="v1")
    assert await source.list_tags() == ["v1"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"tags": 5}', b"null"])
async def test_a_tag_list_that_cannot_be_read_is_a_fault(source_registry: FaultyRegistry, source, body: bytes) -> None:
    source_registry.fail("GET", "/tags/", status=200, body=body)
    with pytest.raises(RegistryFault, match="cannot be read"):
        await source.list_tags()


async def test_a_repository_that_does_not_exist_is_not_found(source_registry: FaultyRegistry, open_repository) -> None:
    repository = await open_repository(source_registry.address, "no/where")
    with pytest.raises(NotFound, match="no repository no/where"):
        await repository.list_tags()
    assert await repository.resolve("v1") is None


@pytest.mark.parametrize("reference", ["", "a/../../b", "v1?x=y", "v 1", "sha256:12", "v1\r\nX: y"])
async def test_only_tags_and_digests_are_asked_for(source_registry: FaultyRegistry, source, reference: str) -> None:
    with pytest.raises(InvalidReference):
        await source.resolve(reference)
    with pytest.raises(InvalidReference):
        await source.has_blob(reference)
    assert source_registry.count() == 0


async def test_resolve_is_one_head_with_every_media_type(source_registry: FaultyRegistry, source) -> None:
    image = small_index()
    source_registry.repository("library/app").put(image, tag="v1")
    assert await source.resolve("v1") == image.manifest.descriptor
    (request,) = source_registry.requests
    assert request.method == "HEAD"
    assert request.headers["Accept"].count("application/vnd.") == 5


@pytest.mark.parametrize("fault", ["no HEAD", "no digest"])
async def test_resolve_falls_back_to_a_get(source_registry: FaultyRegistry, source, fault: str) -> None:
    source_registry.switches.head_manifests = fault != "no HEAD"
    source_registry.switches.digest_header = "none" if fault == "no digest" else "right"
    image = small_image()
    source_registry.repository("library/app").put(image, tag="v1")
    assert await source.resolve("v1") == image.manifest.descriptor
    if fault == "no HEAD":
        assert await source.resolve("v2") is None


async def test_a_digest_header_that_lies_is_found_out(source_registry: FaultyRegistry, source) -> None:
    source_registry.switches.digest_header = "wrong"
    image = small_image()
    source_registry.repository("library/app").put(image, tag="v1")
    for attempt in (source.fetch_manifest("v1"), source.resolve(image.manifest.digest)):
        with pytest.raises(DigestMismatch) as caught:
            await attempt
        assert caught.value.side is Side.SOURCE


async def test_other_bytes_than_asked_for_are_found_out(source_registry: FaultyRegistry, source) -> None:
    wanted = small_image(1).manifest.digest
    source_registry.fail("GET", "/manifests/", status=200, body=small_image(2).manifest.content)
    with pytest.raises(DigestMismatch):
        await source.fetch_manifest(wanted)


async def test_the_bodys_own_media_type_rules(source_registry: FaultyRegistry, source) -> None:
    source_registry.fail(
        "GET",
        "/",
        status=200,
        body=small_index().manifest.content,
        headers={"Content-Type": "text/plain; charset=utf-8"},
    )
    assert (await source.fetch_manifest("v1")).media_type == OCI_INDEX
    bare = b'{"schemaVersion": 2, "config": {}, "layers": []}'
    source_registry.fail("GET", "/", status=200, body=bare, headers={"Content-Type": "application/json"})
    assert (await source.fetch_manifest("v1")).media_type == OCI_MANIFEST


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", RegistryFault),
        (b"[]", RegistryFault),
        (b"[" * 100_000, RegistryFault),
        (b'{"schemaVersion": 2, "layers": [], "manifests": []}', RegistryFault),
        (b'{"schemaVersion": 2, "mediaType": "%s", "layers": []}' % OCI_INDEX.encode(), RegistryFault),
        (b'{"schemaVersion": 2, "mediaType": "%s", "manifests": []}' % OCI_MANIFEST.encode(), RegistryFault),
        (b'{"schemaVersion": 2, "mediaType": "application/vnd.example.unheard-of.v1+json"}', Unsupported),
        (b'{"schemaVersion": 2, "mediaType": ["%s"]}' % OCI_INDEX.encode(), Unsupported),
        (b'{"schemaVersion": 1, "fsLayers": []}', Unsupported),
        (b" " * (11 * MIB), RegistryFault),
    ],
)
async def test_what_is_no_manifest_is_refused(source_registry: FaultyRegistry, source, body, kind) -> None:
    source_registry.fail("GET", "/manifests/", status=200, body=body, times=9)
    with pytest.raises(kind) as caught:
        await source.fetch_manifest("v1")
    assert caught.value.side is Side.SOURCE


@pytest.mark.parametrize("digest", ["../../../etc/passwd", "sha256:../x", "sha256:" + "A" * 64, "md5:" + "0" * 32])
def test_a_descriptor_with_a_digest_that_is_none_is_refused(digest: str) -> None:
    document = b'{"layers": [{"mediaType": "x", "digest": "%s", "size": 1}]}' % digest.encode()
    with pytest.raises(RegistryFault, match="cannot be read"):
        list(Manifest(document, OCI_MANIFEST).blobs())


@pytest.mark.parametrize(
    "members",
    [
        '"size": -1',
        '"size": 1e999',
        '"size": "1"',
        '"size": 4611686018427387904',
        '"size": 1, "annotations": [1]',
        '"size": 1, "platform": "linux/amd64"',
    ],
)
def test_a_descriptor_that_makes_no_sense_is_the_registrys_fault(members: str) -> None:
    document = f'{{"manifests": [{{"mediaType": "x", "digest": "sha256:{"0" * 64}", {members}}}]}}'
    with pytest.raises(RegistryFault, match="cannot be read"):
        list(Manifest(document.encode(), OCI_INDEX).children())


@pytest.mark.parametrize("size", [0, 2, 256 * 1024, 256 * 1024 + 1, 3 * MIB])
@pytest.mark.parametrize("locations", ["relative", "absolute", "state"])
async def test_a_blob_is_stored_by_one_post_and_one_put(
    target_registry: FaultyRegistry, target, size: int, locations: str
) -> None:
    target_registry.switches.locations = locations
    content = bytes(size)
    await target.push_blob(blob(content), pieces(content))
    assert target_registry.repository("mirror/app").blobs == {sha256_digest(content): content}
    assert [request.method for request in target_registry.requests] == ["POST", "PUT"]
    put = target_registry.requests[1]
    assert put.headers["Content-Length"] == str(size)
    assert "Transfer-Encoding" not in put.headers


@pytest.mark.parametrize("fault", ["other bytes", "too short", "too long"])
@pytest.mark.parametrize("size", [1000, 3 * MIB])
async def test_a_wrong_blob_is_never_stored(target_registry: FaultyRegistry, target, size: int, fault: str) -> None:
    promised = blob(bytes(size))
    content = {"other bytes": bytes(size - 1) + b"x", "too short": bytes(size - 1), "too long": bytes(size + 1)}[fault]
    with pytest.raises(DigestMismatch) as caught:
        await target.push_blob(promised, pieces(content))
    assert caught.value.side is Side.SOURCE
    held = target_registry.repository("mirror/app")
    assert (held.blobs, held.uploads) == ({}, {})


async def test_an_upload_by_put_that_is_refused_becomes_a_patch(target_registry: FaultyRegistry, target) -> None:
    target_registry.switches.uploads = "patch"
    for content in (b"small", bytes(2 * MIB)):
        await target.push_blob(blob(content), pieces(content))
    held = target_registry.repository("mirror/app")
    assert len(held.blobs) == 2
    assert held.uploads == {}
    assert (target_registry.count("PATCH"), target_registry.count("PUT")) == (2, 3)


async def test_a_target_that_closes_in_the_middle_is_an_error(target_registry: FaultyRegistry, target) -> None:
    target_registry.switches.uploads = "closing"
    content = bytes(5 * MIB)
    with pytest.raises(ConnectionFailed) as caught:
        await target.push_blob(blob(content), pieces(content))
    assert caught.value.side is Side.TARGET
    assert target_registry.repository("mirror/app").blobs == {}


async def test_an_error_of_the_chunks_comes_out_as_it_is(target_registry: FaultyRegistry, target) -> None:
    async def failing(offset: int) -> AsyncGenerator[bytes]:
        yield bytes(MIB)
        yield bytes(MIB)
        raise RegistryTimeout("the source is slow", side=Side.SOURCE)

    with pytest.raises(RegistryTimeout, match="the source is slow"):
        await target.push_blob(blob(bytes(3 * MIB)), failing)
    assert target_registry.repository("mirror/app").uploads == {}


@pytest.mark.parametrize(("mounts", "opened"), [("yes", 0), ("202", 1), ("403", 1)])
async def test_a_blob_is_mounted_or_sent(target_registry: FaultyRegistry, target, mounts: str, opened: int) -> None:
    """An upload that is opened in place of a mount is the one that the bytes go to."""
    target_registry.repository("other").put(small_image())
    target_registry.switches.mounts = mounts
    digest, content = next(iter(small_image().all_blobs().items()))
    assert await target.push_blob(blob(content), pieces(content), mount_from="other") is (mounts == "yes")
    held = target_registry.repository("mirror/app")
    assert (list(held.blobs), held.uploads, held.opened) == ([digest], {}, opened)


async def test_redirected_blobs_come_from_the_other_host_without_our_authorization(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, open_repository
) -> None:
    image = image_of_size(MIB)
    source_registry.switches.login = Login()
    source = await open_repository(source_registry.address, credentials=Credentials("user", "password"))
    source_registry.repository("library/app").put(image)
    target_registry.repository("storage").put(image)
    source_registry.switches.blob_redirect = target_registry.url
    for descriptor in image.manifest.blobs():
        received = b"".join([chunk async for chunk in source.open_blob(descriptor)])
        assert sha256_digest(received) == descriptor.digest
    assert "Authorization" in source_registry.requests[-1].headers
    assert [request for request in target_registry.requests if "Authorization" in request.headers] == []


async def test_a_blob_that_stalls_times_out(source_registry: FaultyRegistry, source) -> None:
    image = image_of_size(MIB)
    source_registry.repository("library/app").put(image)
    source_registry.switches.blobs = "stalling"
    with pytest.raises(RegistryTimeout):
        async for _ in source.open_blob(list(image.manifest.blobs())[1]):
            pass


@pytest.mark.parametrize("deletes", ["tags", "digests"])
async def test_deleting_a_tag_leaves_the_others_of_its_digest(
    target_registry: FaultyRegistry, target, deletes: str
) -> None:
    target_registry.switches.deletes = deletes
    held = target_registry.repository("mirror/app")
    for tag in ("old", "new"):
        held.put(small_index(), tag=tag)
    child = next(small_index().manifest.children()).digest
    await target.delete_tag("old")
    await target.delete_tag("old")
    assert list(held.tags) == ["new"]
    assert await target.resolve("new") == small_index().manifest.descriptor
    assert await target.resolve(child) is not None


async def test_deletion_switched_off_leaves_the_tag_unharmed(target_registry: FaultyRegistry, target) -> None:
    target_registry.switches.deletes = "none"
    target_registry.repository("mirror/app").put(small_image(), tag="old")
    with pytest.raises(Unsupported, match="Switch deletion on"):
        await target.delete_tag("old")
    assert await target.resolve("old") == small_image().manifest.descriptor
    assert target_registry.count("PUT") == 0


async def test_a_deletion_that_fails_halfway_restores_the_tag(target_registry: FaultyRegistry, target) -> None:
    target_registry.switches.deletes = "digests"
    target_registry.repository("mirror/app").put(small_image(), tag="old")
    target_registry.fail("DELETE", "/manifests/old", status=400)
    target_registry.fail("DELETE", "/manifests/sha256", status=404)
    target_registry.fail("DELETE", "/manifests/sha256", status=403)
    with pytest.raises(OCIError):
        await target.delete_tag("old")
    assert await target.resolve("old") == small_image().manifest.descriptor


async def test_a_cancel_in_the_middle_of_a_deletion_ends_it(target_registry: FaultyRegistry, target) -> None:
    image, held = small_image(), target_registry.repository("mirror/app")
    target_registry.switches.deletes = "digests"
    for tag in ("stays", "goes"):
        held.put(image, tag=tag)
    deleting = asyncio.create_task(target.delete_tag("goes"))
    while held.tags["goes"] == image.manifest.digest:  # noqa: ASYNC110 - seen in another thread
        await asyncio.sleep(0)
    deleting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deleting
    assert held.tags == {"stays": image.manifest.digest}


async def test_the_end_of_an_upload_by_patch_may_take_as_long_as_storing_takes(open_repository) -> None:
    """Longer than `read`, shorter than `commit`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"PUT"):
            await asyncio.sleep(1.3)
        writer.write(b"HTTP/1.1 202 OK\r\nLocation: /v2/a/u\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        target = await open_repository(address, "a", side=Side.TARGET)
        target._client.upload_habits._ordinary = UploadStyle.PATCH
        await target.push_blob(blob(b"xy"), pieces(b"xy"))
