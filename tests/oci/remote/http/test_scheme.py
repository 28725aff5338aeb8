from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from mirrors.oci import RegistryTimeout, Timeouts
from tests.oci.certificates import certificate_for_loopback
from tests.registry import FaultyRegistry


@asynccontextmanager
async def silent_host():
    """Takes connections and says nothing, by TLS or not: its address, and a list that has an entry per connection."""
    connections: list[bytes] = []

    async def keep_quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(await reader.read(1))
        while await reader.read(1 << 16):
            pass
        writer.close()

    async with await asyncio.start_server(keep_quiet, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", connections


async def test_a_silent_host_costs_one_connect_timeout_however_many_ask(open_repository) -> None:
    async with silent_host() as (address, connections):
        repository = await open_repository(address, timeouts=Timeouts(connect=0.4, read=30, commit=30))
        began = time.monotonic()
        results = await asyncio.gather(*(repository.resolve(f"v{n}") for n in range(20)), return_exceptions=True)
        assert time.monotonic() - began < 5
        assert all(isinstance(result, RegistryTimeout) and address in str(result) for result in results)
        assert sorted(first for first in connections if first) == [b"\x16", b"G"]  # TLS once, and HTTP once


async def test_the_next_request_asks_a_silent_host_again(open_repository) -> None:
    async with silent_host() as (address, connections):
        repository = await open_repository(address, timeouts=Timeouts(connect=0.2, read=30, commit=30))
        for _ in range(2):
            with pytest.raises(RegistryTimeout):
                await repository.list_tags()
        assert len(connections) >= 4


async def test_tls_that_is_slow_is_waited_for_though_http_has_answered(tmp_path, open_repository) -> None:
    context, _ = certificate_for_loopback(tmp_path)
    with FaultyRegistry(tls=context) as registry:
        registry.repository("library/app")
        host, _, port = registry.address.partition(":")

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            first = await reader.read(1)
            if first == b"G":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                return
            await asyncio.sleep(0.4)
            their_reader, their_writer = await asyncio.open_connection(host, int(port))
            their_writer.write(first)
            await asyncio.gather(_pump(reader, their_writer), _pump(their_reader, writer))

        async with await asyncio.start_server(relay, "127.0.0.1", 0) as front:
            address = f"127.0.0.1:{front.sockets[0].getsockname()[1]}"
            repository = await open_repository(address, timeouts=Timeouts(connect=1.2, read=5, commit=5))
            assert await repository.list_tags() == []
            assert (await repository._client.own_url("/v2/")).scheme == "https"
            await repository._client._transport.__aexit__()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
    sink.close()
