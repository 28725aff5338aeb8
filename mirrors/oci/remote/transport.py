"""One HTTP exchange with one host: connection, TLS, proxy, guard, limits. Knows nothing of registries."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Self

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from mirrors.oci.endpoint import Endpoint
from mirrors.oci.errors import MalformedAnswer, Side
from mirrors.oci.remote.egress import CheckedResolver, EgressGuard
from mirrors.oci.remote.faults import NETWORK_ERRORS, network_error
from mirrors.oci.remote.proxies import Proxy, proxy_for
from mirrors.oci.remote.tls import tls_context

CHUNK = 256 * 1024
"""Bytes read and written at a time: the knee of aiohttp's throughput."""
USER_AGENT = "mirrorfarm/0.1"

# Their texts hold no URL; those of the others may, with the signature in its query.
_SAFE_CAUSES = (aiohttp.ClientConnectorError, aiohttp.ServerConnectionError, aiohttp.ClientPayloadError, ssl.SSLError)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. connect: name, TCP, TLS and proxy together. read: without a byte from or to the peer; twice that for a
    whole request that is no stream, and for the head of its answer, lest a drip hold us for years.

    commit: for the answer after the last byte of an upload, while the registry checks and stores it.
    """

    connect: float = 10.0
    read: float = 60.0
    commit: float = 300.0


class Exchange:
    """An answer whose body may still be on its way; `close` gives its place in the host's limit free."""

    __slots__ = ("_host", "_side", "_slot", "response")

    def __init__(self, response: aiohttp.ClientResponse, slot: asyncio.Semaphore, *, host: str, side: Side) -> None:
        self.response = response
        self._slot: asyncio.Semaphore | None = slot
        self._host = host
        self._side = side

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The answer's headers."""
        return self.response.headers

    @property
    def url(self) -> URL:
        """Where the answer came from, after redirects."""
        return self.response.url

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces of at most 256 KiB; raises an OCIError where it breaks off."""
        try:
            async for chunk in self.response.content.iter_chunked(CHUNK):
                yield chunk
        except NETWORK_ERRORS as error:
            raise_network_error(error, host=self._host, side=self._side)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.chunks()

    async def read(self, limit: int) -> bytes:
        """The body, as far as `limit` bytes and one more."""
        content = bytearray()
        try:
            async for chunk in self.response.content.iter_any():
                content += chunk
                if len(content) > limit:
                    break
        except NETWORK_ERRORS as error:
            raise_network_error(error, host=self._host, side=self._side)
        return bytes(content)

    def close(self) -> None:
        """Keep the connection for the next request if the body was read to its end, else drop it."""
        if self._slot is None:
            return
        if self.response.content.at_eof():
            self.response.release()
        else:
            self.response.close()
        self._slot.release()
        self._slot = None


class Transport:
    """An aiohttp session bound to one endpoint's TLS and proxies, one side, one egress guard."""

    def __init__(self, endpoint: Endpoint, *, side: Side, guard: EgressGuard | None, timeouts: Timeouts) -> None:
        self._endpoint = endpoint
        self._side = side
        self._guard = guard
        self._timeouts = timeouts
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._session: aiohttp.ClientSession | None = None
        self._own_tls: ssl.SSLContext | None = None
        self._ordinary = self._timeout(read=timeouts.read)

    async def __aenter__(self) -> Self:
        tls = tls_context(self._endpoint, side=self._side)
        if self._endpoint.client_certificate:
            self._own_tls = tls_context(self._endpoint, side=self._side, with_client_certificate=True)
        connector = aiohttp.TCPConnector(
            resolver=CheckedResolver(self._guard), limit=0, ssl=tls, ttl_dns_cache=30, keepalive_timeout=30
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            # Some storage services compress what they are not asked to; a digest is of the plain bytes.
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            read_bufsize=CHUNK,
            trust_env=False,
        )
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._session is not None:
            await self._session.close()
            # aiohttp closes TLS transports one turn of the loop later.
            await asyncio.sleep(0)

    async def send(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        body: bytes | AsyncIterator[bytes] | None = None,
        read_timeout: float | None = None,
    ) -> Exchange:
        """One request to one host, redirects not followed; the caller closes the exchange. Raises an OCIError."""
        if self._session is None:
            raise RuntimeError("use the client inside `async with`")
        host = host_and_port(url)
        proxy = self._guarded_proxy(url)
        if proxy and proxy.headers and url.scheme == "http":
            headers = {**headers, **proxy.headers}  # aiohttp sends proxy_headers with a CONNECT only
        slot = self._slots.get(host)
        if slot is None:
            slot = self._slots[host] = asyncio.Semaphore(self._endpoint.max_connections)
        await slot.acquire()
        try:
            async with asyncio.timeout(self._patience(body)):
                response = await self._session.request(
                    method,
                    url,
                    headers=headers,
                    data=body,
                    proxy=proxy.url if proxy else None,
                    proxy_headers=proxy.headers if proxy else None,
                    ssl=self._tls_for(url),
                    allow_redirects=False,
                    timeout=self._ordinary if read_timeout is None else self._timeout(read=read_timeout),
                )
        except NETWORK_ERRORS as error:
            slot.release()
            raise_network_error(error, host=host, side=self._side)
        except BaseException:  # a cancel too must give the host's slot back; nothing is swallowed
            slot.release()
            raise
        return Exchange(response, slot, host=host, side=self._side)

    def _guarded_proxy(self, url: URL) -> Proxy | None:
        proxy = proxy_for(url, endpoint=self._endpoint, side=self._side)
        if self._guard is not None:
            self._guard.check_url(url, by_proxy=proxy is not None)
            if proxy is not None:
                self._guard.check_url(proxy.url)
        return proxy

    def _tls_for(self, url: URL) -> ssl.SSLContext | bool:
        """The client certificate is for the registry's own host, whatever the port; True is what all others get."""
        if self._own_tls is None or url.host != URL(f"https://{self._endpoint.api_host}").host:
            return True
        return self._own_tls

    def _patience(self, body: bytes | AsyncIterator[bytes] | None) -> float | None:
        """Seconds for a request and the head of its answer; a streamed body has a deadline of its own."""
        if body is None or isinstance(body, bytes):
            return self._timeouts.connect + 2 * self._timeouts.read
        return None

    def _timeout(self, *, read: float) -> aiohttp.ClientTimeout:
        connect = self._timeouts.connect
        return aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect, sock_read=read)


def host_and_port(url: URL) -> str:
    """`host` or `host:port` as a user would write it, the port left out where it is the scheme's own."""
    return url.host_port_subcomponent or ""


def raise_network_error(error: BaseException, *, host: str, side: Side) -> None:
    """Raise the OCIError for it, with the cause where its text is safe to be logged."""
    raise network_error(error, host=host, side=side) from (error if isinstance(error, _SAFE_CAUSES) else None)


class PacedBody:
    """An upload's body: hands chunks on, remembers what failed at their origin, and stops where the target stalls."""

    def __init__(self, chunks: AsyncIterator[bytes], *, deadline: asyncio.Timeout, timeouts: Timeouts) -> None:
        self._chunks = chunks
        self._deadline = deadline
        self._timeouts = timeouts
        self._turn = asyncio.Lock()
        self._finished = False
        self.failure: Exception | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        async with self._turn:
            if self._finished:
                raise StopAsyncIteration
            self._deadline.reschedule(None)  # waiting for the source: it has its own timeout
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                self._expect_progress_within(self._timeouts.commit)
                raise
            except Exception as error:  # whatever it is, it is the caller's, not aiohttp's wrapping of it
                self.failure = error
                raise
            self._expect_progress_within(self._timeouts.read)
            return chunk

    async def settle(self) -> None:
        """Wait until nobody is reading from the chunks any more, and let nobody start."""
        self._finished = True
        async with self._turn:
            pass

    def _expect_progress_within(self, seconds: float) -> None:
        self._deadline.reschedule(asyncio.get_running_loop().time() + seconds)


def too_large(host: str, *, side: Side, what: str, limit: int) -> MalformedAnswer:
    """The fault for a body beyond its limit."""
    return MalformedAnswer(
        f"{host} sent more than {limit // (1 << 20)} MiB for {what}, which is not safe to read.", side=side
    )
