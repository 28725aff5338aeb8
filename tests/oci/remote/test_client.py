from __future__ import annotations

import asyncio
import socket
import time

import pytest
from yarl import URL

from mirrors.oci import (
    AuthFailed,
    Code,
    ConnectionFailed,
    Credentials,
    Descriptor,
    Endpoint,
    ImmutableTag,
    MalformedAnswer,
    NameNotResolved,
    NotFound,
    OCIError,
    QuotaExceeded,
    RateLimited,
    Refused,
    RegistryClient,
    RegistryFault,
    RegistryTimeout,
    Side,
    Timeouts,
    TLSFailed,
    Unsupported,
)
from mirrors.oci.content import in_memory
from mirrors.oci.images.manifest import sha256_digest
from tests.oci.certificates import certificate_for_loopback
from tests.registry import FaultyRegistry
from tests.registry.switches import Login

SECRET = Credentials("robot+name", "hunter2-planted")


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, b'{"errors":[{"code":"NAME_INVALID"}]}', Refused, Code.UNSUPPORTED),
        (403, b"<html>no</html>", AuthFailed, Code.AUTH_FAILED),
        (403, b'{"errors":[{"code":"QUOTA_EXCEEDED"}]}', QuotaExceeded, Code.QUOTA),
        (403, b'{"errors":[{"code":"TOOMANYREQUESTS"}]}', RateLimited, Code.RATE_LIMITED),
        (404, b"", NotFound, Code.NOT_FOUND),
        (405, b"{}", Unsupported, Code.UNSUPPORTED),
        (412, b"[]", ImmutableTag, Code.IMMUTABLE),
        (418, b'{"errors": 5}', Refused, Code.UNSUPPORTED),
        (429, b"slow down", RateLimited, Code.RATE_LIMITED),
        (500, b"<html>" + b"x" * 100_000, RegistryFault, Code.INTERNAL),
        (503, b"\xff\xfe", RegistryFault, Code.INTERNAL),
        (507, b"", QuotaExceeded, Code.QUOTA),
        (299, b"", RegistryFault, Code.INTERNAL),
    ],
)
async def test_every_status_becomes_a_typed_error_with_a_sentence(
    source_registry: FaultyRegistry, open_repository, status: int, body: bytes, kind: type, code: Code
) -> None:
    source_registry.fail("GET", "/tags/", status=status, body=body, times=99)
    repository = await open_repository(source_registry.address)
    with pytest.raises(kind) as caught:
        await repository.list_tags()
    assert (caught.value.code, caught.value.side) == (code, Side.SOURCE)
    assert source_registry.address in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "html" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_passing_fault_is_tried_again(source_registry: FaultyRegistry, source, status: int) -> None:
    source_registry.fail("GET", "/tags/", status=status, times=2)
    assert await source.list_tags() == []
    assert source_registry.count("GET", "/tags/") == 3


async def test_a_lasting_fault_is_given_up(source_registry: FaultyRegistry, source) -> None:
    source_registry.fail("GET", "/tags/", status=503, times=99)
    with pytest.raises(RegistryFault):
        await source.list_tags()
    assert source_registry.count("GET", "/tags/") == 4


async def test_a_pause_beyond_our_patience_is_handed_to_the_caller(source_registry: FaultyRegistry, source) -> None:
    source_registry.fail("GET", "/tags/", status=429, headers={"Retry-After": "3600"}, times=9)
    with pytest.raises(RateLimited) as caught:
        await source.list_tags()
    assert caught.value.retry_after == 3600
    assert source_registry.count() == 1


async def test_a_host_that_swallows_packets_fails_in_a_bounded_time(source_registry: FaultyRegistry, source) -> None:
    source_registry.switches.swallow = True
    started = time.monotonic()
    with pytest.raises(RegistryTimeout, match="did not answer in time"):
        await source.list_tags()
    assert time.monotonic() - started < 5


async def test_a_host_that_never_accepts_fails_within_the_connect_timeout(open_repository) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        held = [socket.create_connection(listener.getsockname()) for _ in range(1)]
        repository = await open_repository(f"127.0.0.1:{listener.getsockname()[1]}", verify_tls=True)
        started = time.monotonic()
        with pytest.raises(RegistryTimeout):
            await repository.list_tags()
        assert time.monotonic() - started < 4
        for each in held:
            each.close()


async def test_a_closed_port_is_a_refused_connection(open_repository) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        repository = await open_repository(f"127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(ConnectionFailed, match="does not accept connections"):
            await repository.list_tags()


async def test_an_unknown_name_says_so(open_repository) -> None:
    repository = await open_repository("registry.invalid")
    with pytest.raises(NameNotResolved, match=r"registry\.invalid is not a name"):
        await repository.list_tags()


async def test_something_that_is_not_http_is_an_error(open_repository) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        repository = await open_repository(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(OCIError):
            await repository.list_tags()


async def test_plain_http_is_refused_where_tls_is_verified(source_registry: FaultyRegistry, open_repository) -> None:
    repository = await open_repository(source_registry.address, verify_tls=True)
    with pytest.raises(TLSFailed, match="does not speak TLS"):
        await repository.list_tags()


@pytest.mark.parametrize("scheme_down", ["tls", "http"])
async def test_tls_that_is_down_for_a_moment_is_not_given_up(tmp_path, open_repository, scheme_down: str) -> None:
    """The first connection is closed at once; plain HTTP is answered with a 400, or nothing."""
    server, _ = certificate_for_loopback(tmp_path)
    connections = 0

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        first = await reader.read(1) if connections > 1 else b""
        if first == b"G":
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" if scheme_down == "tls" else b"")
        elif first:
            await _relay(registry.address, first, reader, writer)
        writer.close()

    with FaultyRegistry(tls=server) as registry:
        registry.repository("library/app")
        async with await asyncio.start_server(relay, "127.0.0.1", 0) as front:
            address = f"127.0.0.1:{front.sockets[0].getsockname()[1]}"
            assert await (await open_repository(address, verify_tls=False)).list_tags() == []


async def test_a_head_that_drips_is_given_up(open_repository) -> None:

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.1)

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        repository = await open_repository(
            f"127.0.0.1:{server.sockets[0].getsockname()[1]}", timeouts=Timeouts(connect=0.5, read=0.3)
        )
        with pytest.raises(OCIError):
            async with asyncio.timeout(10):
                await repository.list_tags()
        client = RegistryClient(repository._client.endpoint, side=Side.SOURCE, timeouts=Timeouts(connect=0.5, read=0.3))
        client._home.root = URL(f"http://{repository.location}/")
        async with client:
            with pytest.raises(RegistryTimeout):
                async with asyncio.timeout(10):
                    await client.call("GET", "/v2/", scope="", what="it")


async def test_a_certificate_verifies_with_its_authority_only(tmp_path, open_repository) -> None:
    server, certificate = certificate_for_loopback(tmp_path)
    with FaultyRegistry(tls=server) as registry:
        registry.repository("library/app")
        trusting = await open_repository(registry.address, verify_tls=True, ca_certificates=certificate.read_text())
        assert await trusting.list_tags() == []
        careless = await open_repository(registry.address, verify_tls=False)
        assert await careless.list_tags() == []
        strict = await open_repository(registry.address, verify_tls=True)
        with pytest.raises(TLSFailed, match="does not verify"):
            await strict.list_tags()


@pytest.mark.parametrize("text", ["nonsense", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"])
async def test_a_ca_certificate_that_is_none_is_told(open_repository, text: str) -> None:
    with pytest.raises(TLSFailed, match="PEM"):
        await open_repository("127.0.0.1:1", verify_tls=True, ca_certificates=text)


async def test_a_redirect_to_another_host_loses_the_authorization(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, open_repository
) -> None:
    source_registry.switches.login = Login(scheme="basic", username=SECRET.username, password=SECRET.password)
    source_registry.fail("GET", "/never", status=500)
    target_registry.repository("library/app")
    repository = await open_repository(source_registry.address, credentials=SECRET)
    source_registry.repository("library/app")
    assert await repository.list_tags() == []
    elsewhere = f"http://{target_registry.address}/v2/library/app/tags/list?sig=planted"
    source_registry.fail("GET", "/tags/", status=307, headers={"Location": elsewhere})
    assert await repository.list_tags() == []
    assert "Authorization" in source_registry.requests[-1].headers
    assert "Authorization" not in target_registry.requests[-1].headers


async def test_redirects_in_a_circle_end(source_registry: FaultyRegistry, source) -> None:
    circle = f"{source_registry.url}/v2/library/app/tags/list"
    source_registry.fail("GET", "/tags/", status=302, headers={"Location": circle}, times=99)
    with pytest.raises(RegistryFault, match="circle"):
        await source.list_tags()
    assert source_registry.count() <= 4 * 6


async def test_an_upload_is_not_sent_without_tls_where_tls_is_verified() -> None:
    client = RegistryClient(Endpoint("registry.example"), side=Side.TARGET)
    base = URL("https://registry.example/v2/app/blobs/uploads/")
    assert str(await client.joined_url(base, "http://registry.example/v2/u?a=1")) == "https://registry.example/v2/u?a=1"
    assert str(await client.joined_url(base, "https://storage.example/u")) == "https://storage.example/u"
    with pytest.raises(MalformedAnswer, match="plain HTTP"):
        await client.joined_url(base, "http://storage.example/u")


@pytest.mark.parametrize(
    "location",
    [
        "http://[::1/x",
        "http://host:99999/",
        "http://host:port/",
        "http://xn--/",
        "http://a..b/",
        f"http://{'a' * 64}/",
        "http://user:planted@127.0.0.1/",
        "file:///etc/passwd",
    ],
)
async def test_an_address_that_is_none_is_the_registrys_fault(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, open_repository, location: str
) -> None:
    blob = Descriptor("application/octet-stream", sha256_digest(b"x"), 1)
    source = await open_repository(source_registry.address)
    source_registry.fail("GET", "/blobs/", status=307, headers={"Location": location})
    target = await open_repository(target_registry.address, side=Side.TARGET)
    target_registry.fail("POST", "/blobs/", status=202, headers={"Location": location})
    with pytest.raises(MalformedAnswer, match="cannot be read") as caught:
        await anext(source.open_blob(blob))
    assert "planted" not in str(caught.value)
    with pytest.raises(MalformedAnswer, match="cannot be read"):
        await target.push_blob(blob, in_memory(b"x"))
    source_registry.fail("GET", "/", status=401, headers={"WWW-Authenticate": f'Bearer realm="{location}"'})
    with pytest.raises(MalformedAnswer, match="does not say where"):
        await source.list_tags()


async def test_errors_hold_neither_queries_nor_credentials(source_registry: FaultyRegistry, open_repository) -> None:
    registry = source_registry
    registry.switches.login = Login(scheme="basic", username=SECRET.username, password=SECRET.password)
    repository = await open_repository(registry.address, credentials=SECRET)
    for status in (400, 401, 403, 404, 429, 500):
        location = f"{registry.url}/v2/library/app/tags/list?signature=planted"
        registry.fail("GET", "/tags/", status=307, headers={"Location": location}, times=1)
        registry.fail("GET", "/tags/", status=status, body=b"hunter2-planted", times=9)
        with pytest.raises(OCIError) as caught:
            await repository.list_tags()
        assert "planted" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {caught.value.__cause__}"
        registry._failures.clear()
    assert "hunter2" not in repr(SECRET)


async def _relay(address: str, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    host, _, port = address.partition(":")
    their_reader, their_writer = await asyncio.open_connection(host, int(port))
    their_writer.write(first)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
        sink.close()

    await asyncio.gather(pump(reader, their_writer), pump(their_reader, writer))
