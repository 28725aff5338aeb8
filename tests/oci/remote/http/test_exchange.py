from __future__ import annotations

import asyncio

import pytest
from yarl import URL

from mirrors.oci import Descriptor, RegistryTimeout, Side, Timeouts
from mirrors.oci.images.manifest import sha256_digest
from tests.registry import FaultyRegistry

BLOB = Descriptor("application/octet-stream", sha256_digest(b"x" * 400), 400)


@pytest.mark.parametrize(("slowest", "cut"), [(1_000_000, True), (1, False)])
async def test_a_stream_that_drips_is_cut(
    source_registry: FaultyRegistry, open_repository, slowest: int, cut: bool
) -> None:
    source_registry.repository("library/app").blobs[BLOB.digest] = b"x" * 400
    source_registry.switches.blobs, source_registry.switches.drip = "dripping", 0.0005
    timeouts = Timeouts(connect=1.0, read=0.1, slowest=slowest)
    source = await open_repository(source_registry.address, timeouts=timeouts)
    await source.has_blob(BLOB.digest)
    path = f"/v2/library/app/blobs/{BLOB.digest}"
    async with source._client.stream(path, scope="", what="it") as exchange:
        if cut:
            with pytest.raises(RegistryTimeout, match=f"{source.location} sends less than 1000000 bytes a second"):
                _ = [chunk async for chunk in exchange]
        else:
            assert sum([len(chunk) async for chunk in exchange]) == 400


async def test_a_receiver_that_takes_its_time_is_not_the_sources_fault(
    source_registry: FaultyRegistry, open_repository
) -> None:
    content = b"x" * (1 << 19)
    digest = sha256_digest(content)
    source_registry.repository("library/app").blobs[digest] = content
    timeouts = Timeouts(connect=1.0, read=0.2, slowest=1_000_000)
    source = await open_repository(source_registry.address, timeouts=timeouts)
    size = 0
    async with source._client.stream(f"/v2/library/app/blobs/{digest}", scope="", what="it") as exchange:
        async for chunk in exchange:
            size += len(chunk)
            await asyncio.sleep(0.21)
    assert size == len(content)


async def test_a_part_is_asked_for_with_headers_and_taken_for_what_it_is(
    source_registry: FaultyRegistry, open_repository
) -> None:
    source_registry.repository("library/app").blobs[BLOB.digest] = b"x" * 400
    client = (await open_repository(source_registry.address))._client
    path, accept = f"/v2/library/app/blobs/{BLOB.digest}", (200, 206, 416)
    async with client.stream(path, scope="", what="it", headers={"Range": "bytes=390-"}, accept=accept) as exchange:
        assert exchange.status == 206
        assert exchange.headers["Content-Range"] == "bytes 390-399/400"
        assert b"".join([chunk async for chunk in exchange.chunks()]) == b"x" * 10


async def test_a_target_that_stops_taking_bytes_is_given_up(target_registry: FaultyRegistry, open_repository) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(30)

    async def chunks():
        while True:
            yield b"x" * (1 << 20)

    async with await asyncio.start_server(swallow, "127.0.0.1", 0, limit=1 << 16) as server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        timeouts = Timeouts(connect=1.0, read=0.2, commit=5.0)
        client = (await open_repository(address, side=Side.TARGET, timeouts=timeouts))._client
        client._home.root = URL(f"http://{address}/")
        url = await client.own_url("/v2/app/blobs/uploads/1")
        with pytest.raises(RegistryTimeout, match="stopped taking it in the middle"):
            await client.upload("PUT", url, scope="", what="it", chunks=chunks(), size=1 << 40)
        assert client._transport._peers[address].limit.in_flight == 0
