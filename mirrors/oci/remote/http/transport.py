"""One HTTP exchange with one host: connection, TLS, proxy, guard, limits. Knows nothing of registries."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Self

import aiohttp
from yarl import URL

from mirrors.oci.endpoint import Endpoint
from mirrors.oci.errors import MalformedAnswer, OCIError, RateLimited, Side, blame
from mirrors.oci.remote.egress.guard import CheckedResolver, EgressGuard
from mirrors.oci.remote.http.exchange import CHUNK, Exchange, Peer, raise_network_error
from mirrors.oci.remote.http.faults import NETWORK_ERRORS, is_complaint
from mirrors.oci.remote.http.proxies import Proxy, proxy_for
from mirrors.oci.remote.http.timeouts import Timeouts
from mirrors.oci.remote.http.tls import tls_context
from mirrors.oci.remote.limits.bandwidth import bandwidth_of
from mirrors.oci.remote.limits.concurrency import AdaptiveLimit
from mirrors.oci.remote.limits.pauses import HostPauses

USER_AGENT = "mirrorfarm/0.1"
_TOO_MUCH = frozenset({429, 503})
_OTHERS_WAIT = 60.0
"""Seconds at most that everybody waits for what a host has asked one account for."""


class Transport:
    """An aiohttp session bound to one endpoint's TLS and proxies, one side, one egress guard.

    pauses: asked before each request. patience: seconds of a pause that are waited for; a longer one is an error.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        side: Side,
        guard: EgressGuard | None,
        timeouts: Timeouts,
        pauses: HostPauses,
        patience: float,
    ) -> None:
        self._endpoint = endpoint
        self._side = side
        self._guard = guard
        self._timeouts = timeouts
        self._pauses = pauses
        self._pause_patience = patience
        self.bandwidth = bandwidth_of(endpoint.registry, side=side, rate=endpoint.bandwidth)
        self._peers: dict[str, Peer] = {}
        self._session: aiohttp.ClientSession | None = None
        self._own_tls: ssl.SSLContext | None = None
        self._account = _account_of(endpoint)
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
        proxy = self._guarded_proxy(url)
        peer = self._peer(host_and_port(url))
        limit = peer.limit
        await limit.take()
        started = time.monotonic()
        try:
            if self._pauses.are_under_way:
                await self._wait_for_pauses(peer, proxy=proxy)
                started = time.monotonic()
            async with asyncio.timeout(self._patience(body, read=read_timeout)):
                response = await self._request(
                    method, url, headers=headers, body=body, proxy=proxy, read_timeout=read_timeout
                )
        except NETWORK_ERRORS as error:
            if is_complaint(error):
                limit.refused(started=started, now=time.monotonic())
            limit.release()
            raise_network_error(error, host=peer.host, side=self._side)
        except BaseException as error:  # a cancel too must give the host's place back; nothing is swallowed
            limit.release()
            if isinstance(error, OCIError):  # of the resolver, which does not know for whom it asks
                error.side = error.side or self._side
            raise
        now = time.monotonic()
        if response.status in _TOO_MUCH:
            limit.refused(started=started, now=now)
        else:
            limit.answered(now - started if method == "HEAD" else None)
        return Exchange(response, peer=peer, started=started)

    def _request(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        body: bytes | AsyncIterator[bytes] | None,
        proxy: Proxy | None,
        read_timeout: float | None,
    ) -> Awaitable[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError("use the client inside `async with`")
        if proxy and proxy.headers and url.scheme == "http":
            headers = {**headers, **proxy.headers}  # aiohttp sends proxy_headers with a CONNECT only
        return self._session.request(
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

    def pause(self, url: URL, *, seconds: float, of_account: bool = False) -> None:
        """Have nobody ask the host of this URL for that long; what a proxy has brought counts for those behind it.

        of_account: it was asked of our account; those with another, or none, wait for a minute at most.
        """
        key = _pause_key(host_and_port(url), proxy_for(url, endpoint=self._endpoint, side=self._side))
        if of_account and self._account and seconds > _OTHERS_WAIT:
            self._pauses.pause(key + self._account, seconds=seconds)
            seconds = _OTHERS_WAIT
        self._pauses.pause(key, seconds=seconds)

    async def _wait_for_pauses(self, peer: Peer, *, proxy: Proxy | None) -> None:
        key = _pause_key(peer.host, proxy)
        for name in (key + self._account, key):
            rest = await self._pauses.wait(name, patience=self._pause_patience)
            if rest:
                raise RateLimited(
                    f"{peer.host} has asked for a pause, which lasts another {rest:.0f} seconds. Wait, and try again "
                    "then.",
                    side=self._side,
                    retry_after=rest,
                )

    def _peer(self, host: str) -> Peer:
        peer = self._peers.get(host)
        if peer is None:
            limit = AdaptiveLimit(self._endpoint.max_connections)
            peer = Peer(host, self._side, limit, self._timeouts, self.bandwidth)
            self._peers[host] = peer
        return peer

    def _guarded_proxy(self, url: URL) -> Proxy | None:
        proxy = proxy_for(url, endpoint=self._endpoint, side=self._side)
        if self._guard is not None:
            with blame(self._side):
                self._guard.check_url(url, by_proxy=proxy is not None)
                if proxy is not None:
                    self._guard.check_url(proxy.url)
        return proxy

    def _tls_for(self, url: URL) -> ssl.SSLContext | bool:
        """The client certificate is for the registry's own host, whatever the port; True is what all others get."""
        if self._own_tls is None or url.host != URL(f"https://{self._endpoint.api_host}").host:
            return True
        return self._own_tls

    def _patience(self, body: bytes | AsyncIterator[bytes] | None, *, read: float | None) -> float | None:
        """Seconds for a request and the head of its answer; a streamed body has a deadline of its own."""
        if body is None or isinstance(body, bytes):
            return self._timeouts.connect + 2 * (self._timeouts.read if read is None else read)
        return None

    def _timeout(self, *, read: float) -> aiohttp.ClientTimeout:
        connect = self._timeouts.connect
        return aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect, sock_read=read)


def host_and_port(url: URL) -> str:
    """`host` or `host:port` as a user would write it, the port left out where it is the scheme's own."""
    return url.host_port_subcomponent or ""


def _pause_key(host: str, proxy: Proxy | None) -> str:
    # Behind a proxy we are another address, and what it answers is a word of whoever chose it.
    return (host if proxy is None else f"{host} via {host_and_port(proxy.url)}")[:235]


def _account_of(endpoint: Endpoint) -> str:
    """What tells its pauses from those of others; not the name itself, which is kept encrypted everywhere else."""
    if endpoint.credentials is None:
        return ""
    return f" as {hashlib.sha256(endpoint.credentials.username.encode()).hexdigest()[:12]}"


def too_large(host: str, *, side: Side, what: str, limit: int) -> MalformedAnswer:
    """The fault for a body beyond its limit."""
    return MalformedAnswer(
        f"{host} sent more than {limit // (1 << 20)} MiB for {what}, which is not read. Leave it out, or raise "
        "REPO_MIRROR_MAX_MANIFEST_LIST_SIZE.",
        side=side,
    )
