from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from mirrors.oci import (
    ConnectionFailed,
    Credentials,
    Descriptor,
    DigestMismatch,
    OCIError,
    QuotaExceeded,
    Refused,
    RegistryTimeout,
    RemoteRepository,
    Side,
)
from mirrors.oci.content import BlobReader
from mirrors.oci.images.manifest import sha256_digest
from mirrors.oci.profile import GENERIC, RegistryProfile, UploadStyle
from mirrors.oci.remote.blobs import plans as upload_plans
from mirrors.oci.remote.blobs import uploads
from mirrors.sample.images import image_of_size
from tests.registry import FaultyRegistry, Login

MIB = 1 << 20
CONTENT = max(image_of_size(3 * MIB, layers=1).blobs.values(), key=len)
BLOB = Descriptor("application/octet-stream", sha256_digest(CONTENT), len(CONTENT))
BY_PATCH = replace(GENERIC, uploads=UploadStyle.PATCH)
IN_CHUNKS = replace(GENERIC, uploads=UploadStyle.CHUNKS, chunk_size=MIB)


@pytest.fixture(autouse=True)
def _quick_and_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(upload_plans, "SMALLEST_CHUNK", MIB // 2)
    monkeypatch.setattr(uploads, "SMALLEST_CHUNK", MIB // 2)


@pytest.fixture
def reopen(target_registry: FaultyRegistry, open_repository):
    """`await reopen(profile)`: mirror/app of the target, known as a product with this profile."""

    async def opened(profile: RegistryProfile) -> RemoteRepository:
        return await open_repository(target_registry.address, "mirror/app", side=Side.TARGET, profile=profile)

    return opened


class Source:
    """A blob that remembers from where it was read, and how many bytes in all."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.offsets: list[int] = []
        self.given = 0

    async def read(self, offset: int) -> AsyncGenerator[bytes]:
        self.offsets.append(offset)
        for start in range(offset, len(self.content), 100_000):
            chunk = self.content[start : start + 100_000]
            self.given += len(chunk)
            yield chunk


def methods(registry: FaultyRegistry) -> str:
    return " ".join(request.method for request in registry.requests)


def sizes(registry: FaultyRegistry, method: str = "PATCH") -> list[int]:
    return [request.size for request in registry.seen(method)]


def assert_stored(registry: FaultyRegistry) -> None:
    """The blob is there, and no upload is left open."""
    held = registry.repository("mirror/app")
    assert held.blobs == {BLOB.digest: CONTENT}
    assert held.uploads == {}


@pytest.mark.parametrize("size", [0, 1, 2, 300_000])
@pytest.mark.parametrize("profile", [GENERIC, BY_PATCH, IN_CHUNKS], ids=["put", "patch", "chunks"])
@pytest.mark.parametrize("locations", ["relative", "absolute", "state", "http", "new"])
async def test_blobs_of_all_sizes_arrive_in_every_way(
    target_registry: FaultyRegistry, reopen, size: int, profile: RegistryProfile, locations: str
) -> None:
    target_registry.switches.locations = locations
    content = CONTENT[:size]
    target = await reopen(profile)
    descriptor = Descriptor("", sha256_digest(content), size)
    assert await target.push_blob(descriptor, Source(content).read) is False
    held = target_registry.repository("mirror/app")
    assert (held.blobs, held.uploads) == ({descriptor.digest: content}, {})


async def test_a_large_blob_goes_by_patch_where_nothing_is_known(target_registry: FaultyRegistry, reopen) -> None:
    target = await reopen(replace(GENERIC, large=MIB))
    await target.push_blob(BLOB, Source().read)
    assert methods(target_registry) == "POST PATCH PUT"
    assert "Content-Range" not in target_registry.seen("PATCH")[0].headers
    assert_stored(target_registry)


@pytest.mark.parametrize("range_header", ["plain", "bytes", "none"])
async def test_chunks_follow_each_other_with_their_ranges(
    target_registry: FaultyRegistry, reopen, range_header: str
) -> None:
    target_registry.switches.range_header = range_header
    await (await reopen(IN_CHUNKS)).push_blob(BLOB, Source().read)
    said = [request.headers["Content-Range"] for request in target_registry.seen("PATCH")]
    assert said[:2] == [f"0-{MIB - 1}", f"{MIB}-{2 * MIB - 1}"]
    assert_stored(target_registry)


async def test_a_chunk_is_as_long_as_the_registry_wants_at_least(target_registry: FaultyRegistry, reopen) -> None:
    target_registry.switches.chunk_min = 3 * MIB // 2
    await (await reopen(IN_CHUNKS)).push_blob(BLOB, Source().read)
    assert sizes(target_registry)[0] == 3 * MIB // 2
    assert_stored(target_registry)


@pytest.mark.parametrize("profile", [BY_PATCH, IN_CHUNKS], ids=["patch", "chunks"])
async def test_a_broken_upload_goes_on_where_the_registry_has_come_to(
    target_registry: FaultyRegistry, reopen, profile: RegistryProfile
) -> None:
    target_registry.switches.upload_cuts = [MIB // 2]
    source = Source()
    await (await reopen(profile)).push_blob(BLOB, source.read)
    assert_stored(target_registry)
    assert source.offsets == [0, MIB // 2]
    assert target_registry.repository("mirror/app").opened == 1


async def test_a_source_that_says_something_else_after_a_break_is_found_out(
    target_registry: FaultyRegistry, reopen
) -> None:
    class Changing(Source):
        async def read(self, offset: int) -> AsyncGenerator[bytes]:
            if self.offsets:
                self.content = self.content[:-1] + b"?"
            async for chunk in super().read(offset):
                yield chunk

    target_registry.switches.upload_cuts = [MIB]
    with pytest.raises(DigestMismatch):
        await (await reopen(BY_PATCH)).push_blob(BLOB, Changing().read)
    held = target_registry.repository("mirror/app")
    assert (held.blobs, held.uploads) == ({}, {})


async def test_an_upload_that_the_registry_has_dropped_is_an_error_to_start_again_from(
    target_registry: FaultyRegistry, reopen
) -> None:
    target_registry.switches.upload_cuts, target_registry.switches.upload_status = [MIB], False
    with pytest.raises(ConnectionFailed) as caught:
        await (await reopen(BY_PATCH)).push_blob(BLOB, Source().read)
    assert caught.value.retryable


async def test_an_upload_that_breaks_without_end_is_given_up(target_registry: FaultyRegistry, reopen) -> None:
    target_registry.switches.upload_cuts = [0] * 50
    with pytest.raises(ConnectionFailed):
        await (await reopen(BY_PATCH)).push_blob(BLOB, Source().read)
    assert target_registry.count("PATCH") == 1 + len(uploads._PAUSES)
    assert target_registry.repository("mirror/app").uploads == {}


async def test_a_registry_that_drops_all_but_the_first_chunk_gets_one_patch_from_then_on(
    target_registry: FaultyRegistry, reopen
) -> None:
    """Amazon ECR, aws/containers-roadmap#2831."""
    target_registry.switches.uploads = "lost"
    target = await reopen(IN_CHUNKS)
    await target.push_blob(BLOB, Source().read)
    assert_stored(target_registry)
    target_registry.repository("mirror/app").blobs.clear()
    target_registry.requests.clear()
    await target.push_blob(BLOB, Source().read)
    assert methods(target_registry) == "POST PATCH PUT"
    assert_stored(target_registry)


async def test_the_same_is_found_out_where_the_registry_says_nothing_of_what_it_has(
    target_registry: FaultyRegistry, reopen
) -> None:
    target_registry.switches.uploads, target_registry.switches.range_header = "lost", "none"
    await (await reopen(IN_CHUNKS)).push_blob(BLOB, Source().read)
    assert_stored(target_registry)


async def test_chunks_that_are_too_large_become_smaller_ones(target_registry: FaultyRegistry, reopen) -> None:
    """GHCR takes 4 MiB at most where there is a Content-Range."""
    target_registry.switches.chunk_limit = MIB // 2
    target = await reopen(IN_CHUNKS)
    await target.push_blob(BLOB, Source().read)
    assert_stored(target_registry)
    assert max(sizes(target_registry)[1:]) == MIB // 2


async def test_chunks_that_are_never_small_enough_become_one_body(target_registry: FaultyRegistry, reopen) -> None:
    target_registry.switches.chunk_limit = 1000
    await (await reopen(IN_CHUNKS)).push_blob(BLOB, Source().read)
    assert_stored(target_registry)
    assert sizes(target_registry)[-1] == len(CONTENT)


async def test_a_resumed_rest_that_is_too_large_for_one_chunk_is_cut_up(
    target_registry: FaultyRegistry, reopen
) -> None:
    target_registry.switches.chunk_limit, target_registry.switches.upload_cuts = MIB // 2, [MIB]
    await (await reopen(BY_PATCH)).push_blob(BLOB, Source().read)
    assert_stored(target_registry)
    assert target_registry.repository("mirror/app").opened == 1


async def test_a_proxy_with_a_limit_for_bodies_gets_chunks(target_registry: FaultyRegistry, reopen) -> None:
    target_registry.fail("PUT", "/uploads/", status=413, body=b"<html>413 Request Entity Too Large</html>")
    target = await reopen(GENERIC)
    await target.push_blob(BLOB, Source().read)
    assert_stored(target_registry)
    assert max(sizes(target_registry)) < len(CONTENT)
    target_registry.requests.clear()
    target_registry.repository("mirror/app").blobs.clear()
    await target.push_blob(BLOB, Source().read)
    assert methods(target_registry).startswith("POST PATCH PATCH")


async def test_a_registry_without_a_second_patch_gets_one(target_registry: FaultyRegistry, reopen) -> None:
    """Google Artifact Registry."""
    target_registry.switches.uploads = "single"
    await (await reopen(IN_CHUNKS)).push_blob(BLOB, Source().read)
    assert_stored(target_registry)


async def test_a_registry_without_patch_gets_a_put(target_registry: FaultyRegistry, reopen) -> None:
    target_registry.switches.uploads = "put"
    for profile in (BY_PATCH, IN_CHUNKS):
        await (await reopen(profile)).push_blob(BLOB, Source().read)
        assert_stored(target_registry)


async def test_what_is_refused_in_every_way_is_the_first_refusal(target_registry: FaultyRegistry, reopen) -> None:
    target_registry.fail("PUT", "/uploads/", status=400, body=b'{"errors":[{"code":"NAME_INVALID"}]}', times=9)
    with pytest.raises(Refused, match="NAME_INVALID"):
        await (await reopen(GENERIC)).push_blob(BLOB, Source().read)
    assert target_registry.repository("mirror/app").uploads == {}


async def test_a_quota_is_no_reason_to_try_another_way(target_registry: FaultyRegistry, reopen) -> None:
    target_registry.fail("PUT", "/uploads/", status=413, body=b'{"errors":[{"code":"QUOTA_EXCEEDED"}]}', times=9)
    with pytest.raises(QuotaExceeded):
        await (await reopen(GENERIC)).push_blob(BLOB, Source().read)
    assert target_registry.count("PUT") == 1


@pytest.mark.parametrize("profile", [GENERIC, BY_PATCH], ids=["put", "patch"])
async def test_another_digest_at_the_target_is_a_mismatch(
    target_registry: FaultyRegistry, reopen, profile: RegistryProfile
) -> None:
    target_registry.fail("PUT", "/uploads/", status=400, body=b'{"errors":[{"code":"DIGEST_INVALID"}]}')
    with pytest.raises(DigestMismatch, match="computes another digest") as caught:
        await (await reopen(profile)).push_blob(BLOB, Source().read)
    assert caught.value.side is Side.TARGET


async def test_an_end_whose_answer_was_lost_is_looked_up(target_registry: FaultyRegistry, reopen) -> None:
    target = await reopen(BY_PATCH)
    target_registry.fail("PUT", "/uploads/", status=504, body=b"<html>gateway timeout</html>")
    await target.push_blob(BLOB, Source().read)
    assert_stored(target_registry)
    target_registry.requests.clear()
    target_registry.fail("PUT", "/uploads/", status=504)
    await target.push_blob(BLOB, Source().read)
    assert methods(target_registry) == "POST PATCH PUT HEAD"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_every_kind_of_success_is_one(target_registry: FaultyRegistry, reopen, status: int) -> None:
    target_registry.switches.blob_put_status = status
    await (await reopen(GENERIC)).push_blob(BLOB, Source().read)
    assert_stored(target_registry)


async def test_a_blob_of_sha512_says_so_when_its_upload_is_opened(target_registry: FaultyRegistry, reopen) -> None:
    descriptor = Descriptor("", "sha512:" + hashlib.sha512(CONTENT).hexdigest(), len(CONTENT))
    await (await reopen(GENERIC)).push_blob(descriptor, Source().read)
    assert target_registry.seen("POST")[0].query == {"digest-algorithm": "sha512"}
    assert target_registry.repository("mirror/app").blobs == {descriptor.digest: CONTENT}


async def test_a_source_that_fails_first_opens_no_upload_and_one_that_fails_later_leaves_none(
    target_registry: FaultyRegistry, reopen
) -> None:
    target = await reopen(GENERIC)
    for broken, expected in ((0, 0), (MIB, 1)):
        with pytest.raises(RegistryTimeout, match="the source is slow"):
            await target.push_blob(BLOB, failing_after(broken))
        held = target_registry.repository("mirror/app")
        assert (held.opened, held.uploads) == (expected, {})


def failing_after(size: int) -> BlobReader:
    async def read(offset: int) -> AsyncGenerator[bytes]:
        for start in range(offset, size, 100_000):
            yield CONTENT[start : start + 100_000]
        raise RegistryTimeout("the source is slow", side=Side.SOURCE)

    return read


async def test_a_token_that_runs_out_between_chunks_costs_no_chunk(
    target_registry: FaultyRegistry, open_repository
) -> None:
    target_registry.switches.login = Login(uses=2)
    target = await open_repository(
        target_registry.address,
        "mirror/app",
        side=Side.TARGET,
        profile=IN_CHUNKS,
        credentials=Credentials("user", "password"),
    )
    source = Source()
    await target.push_blob(BLOB, source.read)
    assert_stored(target_registry)
    assert target_registry.repository("mirror/app").opened == 1


@pytest.mark.parametrize("mount_from", ["other", None])
async def test_a_cancel_while_an_upload_is_opened_takes_it_back(
    target_registry: FaultyRegistry, reopen, mount_from: str | None
) -> None:
    target_registry.switches.delay, target_registry.switches.mounts = 0.1, "202"
    held = target_registry.repository("mirror/app")
    push = asyncio.create_task((await reopen(GENERIC)).push_blob(BLOB, Source().read, mount_from=mount_from))
    while not target_registry.count("POST"):  # noqa: ASYNC110 - seen in another thread
        await asyncio.sleep(0.01)
    push.cancel()
    with pytest.raises(asyncio.CancelledError):
        await push
    assert (held.opened, held.uploads) == (1, {})


async def test_a_profile_without_mounts_asks_for_none(target_registry: FaultyRegistry, reopen) -> None:
    target_registry.repository("other").blobs[BLOB.digest] = CONTENT
    target = await reopen(replace(GENERIC, mounts=False))
    assert await target.push_blob(BLOB, Source().read, mount_from="other") is False
    assert target_registry.seen("POST")[0].query == {}


async def test_a_refused_mount_is_no_error(target_registry: FaultyRegistry, reopen) -> None:
    target = await reopen(GENERIC)
    for status in (400, 403, 404, 405):
        target_registry.fail("POST", "/uploads/", status=status)
        assert await target.push_blob(BLOB, Source().read, mount_from="other") is False
    target_registry.fail("POST", "/uploads/", status=400, times=9)
    with pytest.raises(OCIError):
        await target.push_blob(BLOB, Source().read, mount_from="other")
