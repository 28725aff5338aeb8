"""An answer of a host: while its body is still on its way, and when it is whole."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NoReturn

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from mirrors.oci.errors import RegistryTimeout, Side
from mirrors.oci.remote.http.faults import NETWORK_ERRORS, SAFE_CAUSES, is_complaint, network_error
from mirrors.oci.remote.http.timeouts import Timeouts
from mirrors.oci.remote.limits.bandwidth import Bandwidth
from mirrors.oci.remote.limits.concurrency import AdaptiveLimit

CHUNK = 256 * 1024
"""Bytes read and written at a time: the knee of aiohttp's throughput."""
FORM = "application/x-www-form-urlencoded"
_SMALL = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of a registry."""

    status: int
    headers: CIMultiDictProxy[str]
    content: bytes
    url: URL


@dataclass(frozen=True, slots=True)
class Peer:
    """Who answers, and how fast it may and must: `host[:port]`, the side it is on, the limit that it has places in."""

    host: str
    side: Side
    limit: AdaptiveLimit
    timeouts: Timeouts
    bandwidth: Bandwidth | None


class Exchange:
    """An answer whose body may still be on its way; `close` gives its place in the host's limit free.

    Iterating over it gives `chunks`.
    """

    __slots__ = ("_open", "_peer", "_started", "response")

    def __init__(self, response: aiohttp.ClientResponse, *, peer: Peer, started: float) -> None:
        self.response = response
        self._peer = peer
        self._started = started
        self._open = True

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

    @property
    def has_arrived(self) -> bool:
        """Whether the body is here to its end."""
        return self.response.content.is_eof()

    @property
    def is_authorized(self) -> bool:
        """Whether the request had an Authorization header, be it of an anonymous token, or a form with credentials."""
        headers = self.response.request_info.headers
        return "Authorization" in headers or headers.get("Content-Type") == FORM

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.chunks()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces of at most 256 KiB; raises an OCIError where it breaks off, stalls or drips.

        Only the time spent waiting for the peer counts against it, not what the receiver or the bandwidth takes.
        """
        bandwidth, clock, patience = self._peer.bandwidth, time.monotonic, self._peer.timeouts.read
        waited, came = 0.0, 0
        while True:
            asked = clock()
            try:
                chunk = await self._next()
            except NETWORK_ERRORS as error:
                self._fail(error)
            if not chunk:
                return
            waited += clock() - asked
            came += len(chunk)
            if waited >= patience:
                if came < waited * self._peer.timeouts.slowest:
                    raise self._too_slow()
                waited, came = 0.0, 0
            if bandwidth is not None:
                await bandwidth.pass_through(len(chunk))
            yield chunk

    async def _next(self) -> bytes:
        """The next piece as it came; nothing at the end. To join large ones would copy each byte once more."""
        content = self.response.content
        chunk, is_boundary = await content.readchunk()
        while is_boundary and not chunk:
            chunk, is_boundary = await content.readchunk()
        if 0 < len(chunk) < _SMALL:
            chunk += content.read_nowait(CHUNK - len(chunk))
        return chunk

    async def read(self, limit: int) -> bytes:
        """The body, as far as `limit` bytes and one more."""
        content = bytearray()
        try:
            async for chunk in self.response.content.iter_any():
                content += chunk
                if len(content) > limit:
                    break
        except NETWORK_ERRORS as error:
            self._fail(error)
        return bytes(content)

    def close(self) -> None:
        """Keep the connection for the next request if the body was read to its end, else drop it."""
        if not self._open:
            return
        self._open = False
        if self.response.content.at_eof():
            self.response.release()
        else:
            self.response.close()
        self._peer.limit.release()

    def _fail(self, error: BaseException) -> NoReturn:
        if is_complaint(error):
            self._peer.limit.refused(started=self._started, now=time.monotonic())
        raise_network_error(error, host=self._peer.host, side=self._peer.side)

    def _too_slow(self) -> RegistryTimeout:
        return RegistryTimeout(
            f"{self._peer.host} sends less than {self._peer.timeouts.slowest} bytes a second, which is given up. Check "
            f"the {self._peer.side} and the line to it.",
            side=self._peer.side,
        )


def raise_network_error(error: BaseException, *, host: str, side: Side) -> NoReturn:
    """Raise the OCIError for it, with the cause where its text is safe to be logged."""
    raise network_error(error, host=host, side=side) from (error if isinstance(error, SAFE_CAUSES) else None)
