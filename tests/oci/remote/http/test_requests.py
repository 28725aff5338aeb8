from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from yarl import URL

from mirrors.oci import Credentials, RegistryFault, RemoteRepository, Side
from tests.registry import FaultyRegistry
from tests.registry.switches import Login

SESSION = "/v2/mirror/app/blobs/uploads/1"


async def _chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
async def test_bytes_follow_a_redirect_with_method_and_body_and_without_credentials(
    target_registry: FaultyRegistry, source_registry: FaultyRegistry, open_repository, method: str, status: int
) -> None:
    target_registry.switches.login = Login(scheme="basic")
    elsewhere = source_registry
    elsewhere.fail(method, "/there", status=201)
    target_registry.fail(method, "/uploads/", status=401, headers={"WWW-Authenticate": "Basic"})
    target_registry.fail(method, "/uploads/", status=status, headers={"Location": f"{elsewhere.url}/there?sig=1"})
    credentials = Credentials("user", "password")
    target = await open_repository(target_registry.address, side=Side.TARGET, credentials=credentials)
    answer = await target._client.call(method, SESSION, scope="", what="it", body=b"whole", accept=(201,))
    assert answer.status == 201
    (request,) = elsewhere.seen(method, "/there")
    assert request.size == 5
    assert "Authorization" not in request.headers
    assert "Authorization" in target_registry.seen(method)[-1].headers


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_other_redirects_of_a_body_are_not_followed(
    target_registry: FaultyRegistry, target: RemoteRepository, status: int
) -> None:
    target_registry.fail("PUT", "/uploads/", status=status, headers={"Location": f"{target_registry.url}/there"})
    with pytest.raises(RegistryFault, match=f"HTTP {status}"):
        await target._client.call("PUT", SESSION, scope="", what="it", body=b"x", accept=(201,))
    assert target_registry.count(path="/there") == 0


async def test_a_stream_that_is_redirected_too_late_asks_first_the_next_time(open_repository) -> None:
    """The front sends uploads to another host: at once where it is asked (RFC 9110 section 10.1.1), else in the end."""
    bodies: list[bytes] = []

    async def storage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"100-continue" in head:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        bodies.append(await reader.readexactly(_length(head)))
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async def front(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"100-continue" not in head:
            await reader.readexactly(_length(head))
        location = f"http://{_address(there)}/stored".encode()
        writer.write(
            b"HTTP/1.1 307 There\r\nContent-Length: 0\r\nConnection: close\r\nLocation: " + location + b"\r\n\r\n"
        )
        writer.close()

    async with (
        await asyncio.start_server(storage, "127.0.0.1", 0) as there,
        await asyncio.start_server(front, "127.0.0.1", 0) as here,
    ):
        target = await open_repository(_address(here), side=Side.TARGET)
        client = target._client
        client._home.root = URL(f"http://{_address(here)}/")
        url = await client.own_url(SESSION)
        with pytest.raises(RegistryFault, match=_address(there)) as caught:
            await client.upload("PUT", url, scope="", what="it", chunks=_chunks(b"abc", b"def"), size=6)
        assert caught.value.retryable
        assert bodies == []
        await client.upload("PUT", url, scope="", what="it", chunks=_chunks(b"abc", b"def"), size=6)
        assert bodies == [b"abcdef"]


async def test_uploads_carry_the_headers_they_are_given_and_welcome_other_answers(
    target_registry: FaultyRegistry, target: RemoteRepository
) -> None:
    target_registry.fail("PATCH", "/uploads/", status=416, headers={"Range": "0-3"})
    url = await target._client.own_url(SESSION)
    answer = await target._client.upload(
        "PATCH",
        url,
        scope="",
        what="it",
        chunks=_chunks(b"abc"),
        size=3,
        headers={"Content-Range": "4-6"},
        accept=(202, 416),
    )
    assert (answer.status, answer.headers["Range"]) == (416, "0-3")
    assert target_registry.seen("PATCH")[0].headers["Content-Range"] == "4-6"


def _length(head: bytes) -> int:
    lines = dict(line.lower().split(b": ", 1) for line in head.strip().split(b"\r\n")[1:])
    return int(lines[b"content-length"])


def _address(server: asyncio.Server) -> str:
    return f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
