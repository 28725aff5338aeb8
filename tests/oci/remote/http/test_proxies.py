from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from yarl import URL

from mirrors.oci import BlockedDestination, ConnectionFailed, EgressGuard, OCIError, TLSFailed, Unsupported
from mirrors.oci.remote.http.proxies import bypasses_proxy
from tests.oci.certificates import certificate_for_loopback
from tests.registry import FaultyRegistry


class Proxy:
    """A forward proxy that leads every host to one address, and remembers the heads of its requests."""

    def __init__(self, address: str) -> None:
        self.host, _, port = address.partition(":")
        self.port = int(port)
        self.heads: list[str] = []
        self.url = ""
        self.refuses = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        if self.refuses:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
        method, address, rest = head.split(" ", 2)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            far_writer.write(f"{method} {URL(address).raw_path_qs} {rest}".encode())
        await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@pytest.fixture
async def proxy(source_registry: FaultyRegistry) -> AsyncIterator[Proxy]:
    source_registry.repository("library/app")
    proxy = Proxy(source_registry.address)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield proxy
    server.close()


async def test_plain_http_goes_through_its_proxy_with_the_credentials_in_a_header(
    proxy: Proxy, open_repository
) -> None:
    repository = await open_repository(
        "registry.invalid", http_proxy=f"http://us%40er:pl%3Aanted@{proxy.url}", https_proxy="http://127.0.0.1:9"
    )
    assert await repository.list_tags() == []
    head = proxy.heads[-1]
    assert head.startswith("GET http://registry.invalid/v2/")
    assert "Proxy-Authorization: Basic dXNAZXI6cGw6YW50ZWQ=" in head  # us@er:pl:anted
    assert "planted" not in repr(repository._client.endpoint)


async def test_https_goes_through_a_tunnel(tmp_path, open_repository) -> None:
    context, _ = certificate_for_loopback(tmp_path)
    with FaultyRegistry(tls=context) as registry:
        registry.repository("library/app")
        proxy = Proxy(registry.address)
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        proxy.url = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        repository = await open_repository("registry.invalid:5000", https_proxy=f"http://user:pw@{proxy.url}")
        assert await repository.list_tags() == []
        assert proxy.heads[0].startswith("CONNECT registry.invalid:5000 ")
        assert "Proxy-Authorization: Basic dXNlcjpwdw==" in proxy.heads[0]
        assert "Proxy-Authorization" not in registry.requests[-1].headers
        server.close()


async def test_a_registry_behind_a_proxy_is_asked_for_by_its_own_name_and_verified_by_it(
    tmp_path, open_repository
) -> None:
    """Through a proxy that speaks TLS itself, with a certificate of its own."""
    names: list[str | None] = []
    context, certificate = certificate_for_loopback(tmp_path, name="registry.invalid")
    context.sni_callback = lambda _, name, __: names.append(name)
    proxy_context, proxy_certificate = certificate_for_loopback(tmp_path)
    authorities = certificate.read_text() + proxy_certificate.read_text()
    with FaultyRegistry(tls=context) as registry:
        registry.repository("library/app")
        proxy = Proxy(registry.address)
        async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=proxy_context) as server:
            setting = f"https://user:pw@127.0.0.1:{server.sockets[0].getsockname()[1]}"
            trusting = {"verify_tls": True, "https_proxy": setting, "ca_certificates": authorities}
            repository = await open_repository("registry.invalid", **trusting)
            assert await repository.list_tags() == []
            with pytest.raises(TLSFailed, match=r"(certificate of|connection to) other\.invalid .*verif"):
                await (await open_repository("other.invalid", **trusting)).list_tags()
    assert names == ["registry.invalid", "other.invalid"]
    assert "Proxy-Authorization: Basic dXNlcjpwdw==" in proxy.heads[0]


async def test_a_proxy_whose_certificate_does_not_verify_is_told_from_the_registry(
    tmp_path, proxy: Proxy, open_repository
) -> None:
    context, _ = certificate_for_loopback(tmp_path)
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=context) as server:
        setting = f"https://user:planted@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        repository = await open_repository("registry.invalid", verify_tls=True, https_proxy=setting)
        with pytest.raises(TLSFailed, match="TLS connection to the proxy of the source") as caught:
            await repository.list_tags()
    assert "planted" not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert proxy.heads == []


async def test_a_proxy_that_refuses_or_is_not_there_is_told(proxy: Proxy, open_repository) -> None:
    proxy.refuses = True
    for address in (proxy.url, "127.0.0.1:9"):
        proxied = f"http://user:planted@{address}"
        repository = await open_repository("registry.invalid", verify_tls=True, https_proxy=proxied)
        with pytest.raises(ConnectionFailed, match="proxy of the source") as caught:
            await repository.list_tags()
        assert "planted" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_proxy_that_is_no_url_is_told_without_repeating_it(open_repository) -> None:
    for setting in ("socks5://user:planted@h:1", "http://user:planted@", "http://user:planted@h:nonsense"):
        repository = await open_repository("registry.invalid", verify_tls=True, https_proxy=setting)
        with pytest.raises(Unsupported, match="proxy settings") as caught:
            await repository.list_tags()
        assert "planted" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_the_guard_checks_target_and_proxy(proxy: Proxy, open_repository) -> None:
    for address, setting in (
        ("169.254.169.254", proxy.url),
        ("metadata.google.internal", proxy.url),
        ("registry.invalid", "169.254.169.254:80"),
    ):
        repository = await open_repository(address, guard=EgressGuard(), http_proxy=setting, https_proxy=setting)
        with pytest.raises(BlockedDestination):
            await repository.list_tags()
    assert proxy.heads == []


async def test_an_allowed_proxy_on_a_private_address_does_not_free_what_is_behind_it(
    proxy: Proxy, open_repository
) -> None:
    guard = EgressGuard(allowed_hosts=[proxy.url])
    public = await open_repository("registry.example.com", guard=guard, http_proxy=proxy.url, https_proxy=proxy.url)
    assert await public.list_tags() == []
    heads = len(proxy.heads)
    for address in ("10.0.0.5", "registry.corp.local", "169.254.169.254", "0x7f.1"):
        repository = await open_repository(address, guard=guard, http_proxy=proxy.url, https_proxy=proxy.url)
        with pytest.raises(BlockedDestination):
            await repository.list_tags()
    assert len(proxy.heads) == heads


async def test_a_proxy_is_reached_at_the_addresses_that_were_checked(proxy: Proxy, open_repository) -> None:
    setting = f"localhost:{proxy.url.partition(':')[2]}"
    guard = EgressGuard(allowed_hosts=["127.0.0.1:1"])
    repository = await open_repository("registry.example.com", guard=guard, http_proxy=setting, https_proxy=setting)
    with pytest.raises(BlockedDestination, match="localhost"):
        await repository.list_tags()
    assert proxy.heads == []


async def test_no_proxy_is_a_direct_connection(proxy: Proxy, open_repository) -> None:
    repository = await open_repository("registry.invalid", http_proxy=proxy.url, no_proxy="x, .invalid")
    with pytest.raises(OCIError, match="not a name"):
        await repository.list_tags()
    assert proxy.heads == []


@pytest.mark.parametrize(
    ("no_proxy", "url", "bypassed"),
    [
        ("", "https://quay.io", False),
        ("*", "https://quay.io", True),
        ("quay.io", "https://quay.io", True),
        ("quay.io", "https://cdn.quay.io", True),
        (".quay.io", "https://cdn.quay.io", True),
        ("*.quay.io", "https://cdn.quay.io", True),
        ("uay.io", "https://quay.io", False),
        ("QUAY.io:443", "https://quay.io", True),
        ("quay.io:80", "https://quay.io", False),
        ("10.0.0.0/8, x", "http://10.1.2.3:5000", True),
        ("10.1.2.3:5000", "http://10.1.2.3:5000", True),
        ("2001:db8::1", "http://[2001:db8::1]:5000", True),
        ("[2001:db8::1]:5000", "http://[2001:db8::1]:5000", True),
        ("", "http://127.0.0.1:5000", True),
        ("", "http://localhost", True),
    ],
)
def test_no_proxy_is_read_as_curl_and_go_read_it(no_proxy: str, url: str, bypassed: bool) -> None:
    assert bypasses_proxy(URL(url), no_proxy=no_proxy) is bypassed
