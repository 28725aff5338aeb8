from __future__ import annotations

import pytest

from mirrors.oci import (
    ConnectionFailed,
    Credentials,
    Descriptor,
    MalformedAnswer,
    RegistryTimeout,
    RemoteRepository,
    Timeouts,
)
from mirrors.oci.images.manifest import sha256_digest
from mirrors.oci.remote.blobs import downloads
from mirrors.sample.images import image_of_size
from tests.registry import FaultyRegistry, Login

MIB = 1 << 20
CONTENT = max(image_of_size(3 * MIB, layers=1).blobs.values(), key=len)
BLOB = Descriptor("application/octet-stream", sha256_digest(CONTENT), len(CONTENT))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_PAUSES", (0.0, 0.0, 0.0, 0.0))


@pytest.fixture
def registry(source_registry: FaultyRegistry) -> FaultyRegistry:
    source_registry.repository("library/app").blobs[BLOB.digest] = CONTENT
    return source_registry


async def read(repository: RemoteRepository, *, offset: int = 0) -> bytes:
    return b"".join([chunk async for chunk in repository.open_blob(BLOB, offset=offset)])


def ranges(registry: FaultyRegistry) -> list[str]:
    return [request.headers.get("Range", "") for request in registry.seen("GET", "/(blobs|storage)/")]


async def test_reading_goes_on_from_the_byte_that_the_connection_broke_at(registry: FaultyRegistry, source) -> None:
    registry.switches.cuts = [MIB, 1000]
    assert await read(source) == CONTENT
    assert ranges(registry) == ["", f"bytes={MIB}-", f"bytes={MIB + 1000}-"]


@pytest.mark.parametrize("how", ["no", "wrong", "416"])
async def test_a_server_without_ranges_sends_the_whole_again_and_no_byte_comes_twice(
    registry: FaultyRegistry, source, how: str
) -> None:
    registry.switches.ranges, registry.switches.cuts = how, [MIB + 17]
    assert await read(source) == CONTENT


@pytest.mark.parametrize("how", ["yes", "no", "wrong", "416"])
async def test_a_blob_is_opened_at_an_offset(registry: FaultyRegistry, source, how: str) -> None:
    registry.switches.ranges = how
    assert await read(source, offset=MIB + 5) == CONTENT[MIB + 5 :]


async def test_a_part_that_nobody_asked_for_is_the_registrys_fault(registry: FaultyRegistry, source) -> None:
    registry.fail("GET", "/blobs/", status=206, headers={"Content-Range": "bytes 5-9/10"}, body=b"56789", times=9)
    with pytest.raises(MalformedAnswer, match="only a part"):
        await read(source)


async def test_a_connection_that_breaks_without_end_is_given_up(registry: FaultyRegistry, source) -> None:
    registry.switches.cuts = [10] * 100
    with pytest.raises(ConnectionFailed):
        await read(source)
    assert len(ranges(registry)) == 1 + len(downloads._PAUSES)


async def test_a_source_that_gives_a_megabyte_before_each_break_is_not_given_up(
    registry: FaultyRegistry, source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_PROGRESS", 100_000)
    registry.switches.cuts = [200_000] * 10
    assert await read(source) == CONTENT


async def test_a_source_that_stalls_is_asked_once_more(registry: FaultyRegistry, open_repository) -> None:
    registry.switches.blobs = "stalling"
    repository = await open_repository(registry.address, timeouts=Timeouts(connect=0.3, read=0.3, commit=1.0))
    with pytest.raises(RegistryTimeout):
        await read(repository)
    assert ranges(registry)[1:] != []
    assert len(ranges(registry)) <= 3


async def test_a_range_is_kept_over_redirects_and_our_authorization_is_not(
    registry: FaultyRegistry, target_registry: FaultyRegistry, open_repository
) -> None:
    registry.switches.login, registry.switches.blob_redirect = Login(), target_registry.url
    target_registry.repository("storage").blobs[BLOB.digest] = CONTENT
    target_registry.switches.cuts = [MIB]
    repository = await open_repository(registry.address, credentials=Credentials("user", "password"))
    assert await read(repository) == CONTENT
    assert ranges(target_registry) == ["", f"bytes={MIB}-"]
    assert [request for request in target_registry.requests if "Authorization" in request.headers] == []


async def test_a_signed_address_that_has_expired_is_asked_for_again(
    registry: FaultyRegistry, target_registry: FaultyRegistry, source
) -> None:
    registry.switches.blob_redirect = target_registry.url
    target_registry.repository("storage").blobs[BLOB.digest] = CONTENT
    target_registry.switches.expired_links = 1
    assert await read(source) == CONTENT
    assert registry.count("GET", "/blobs/") == 2
