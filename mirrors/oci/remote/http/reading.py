"""Makes of a host's answer a value, or the OCIError that says what went wrong, and learns from it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from yarl import URL

from mirrors.oci.endpoint import Endpoint
from mirrors.oci.errors import LimitKind, OCIError, RateLimited, RegistryTimeout, Side
from mirrors.oci.remote.http.exchange import Answer, Exchange
from mirrors.oci.remote.http.faults import status_error
from mirrors.oci.remote.http.retries import Persistence
from mirrors.oci.remote.http.scheme import Home
from mirrors.oci.remote.http.timeouts import Timeouts
from mirrors.oci.remote.http.transport import Transport, too_large
from mirrors.oci.remote.limits.pauses import HostPauses
from mirrors.oci.remote.limits.rate_limits import REMAINING, RateLimit, pulls_used_up, read_rate_limit

_ERROR_LIMIT = 64 * 1024
_PULLS = "pulls"


class Reader:
    """Reads the answers to one client: bodies within bounds, faults, and what is said of limits."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        side: Side,
        home: Home,
        transport: Transport,
        persistence: Persistence,
        timeouts: Timeouts,
    ) -> None:
        self._host = endpoint.registry
        self._largest = endpoint.largest_answer
        self._with_credentials = endpoint.credentials is not None
        self._side = side
        self._home = home
        self._transport = transport
        self._persistence = persistence
        self._timeouts = timeouts
        self._pulls = HostPauses()
        self.was_refused = False
        """Whether the registry has denied anything, or pulls are used up."""
        self._limit_headers: Mapping[str, str] = {}

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the newest answer that spoke of it said of the limit."""
        return read_rate_limit(self._limit_headers)

    def hear(self, exchange: Exchange) -> None:
        """Take note of an answer, whatever it is."""
        self._persistence.heard = True
        headers = exchange.headers
        # Storage and token services have limits of their own, which are not the registry's.
        if (REMAINING[0] in headers or REMAINING[1] in headers) and self._home.owns(exchange.url):
            self._limit_headers = headers

    async def read(self, exchange: Exchange, *, accept: Collection[int], what: str, bodyless: bool = False) -> Answer:
        """The whole answer, if its status is welcome; raises the OCIError that it means otherwise."""
        if exchange.status not in accept:
            raise await self.fault(exchange, what=what)
        content = b"" if bodyless else await self._bounded(exchange, what=what)
        return Answer(exchange.status, exchange.headers, content, exchange.url)

    async def fault(self, exchange: Exchange, *, what: str) -> OCIError:
        """The OCIError for an unwelcome answer. All who ask its host wait for as long as it says.

        Not for more than a minute, though, where it says so to our account and may mean that alone: whoever enters an
        account that is locked, or tries passwords, must not keep all others from a registry.
        """
        own = self._home.owns(exchange.url)
        self.was_refused |= own and exchange.status in (401, 403)
        error = status_error(
            exchange.status,
            headers=exchange.headers,
            content=await self._reason(exchange),
            host=self._host,
            side=self._side,
            what=what,
            own=own,
            with_credentials=self._with_credentials,
        )
        self._note_pause(error, exchange)
        return error

    def check_pulls(self, url: URL) -> None:
        """Raise RateLimited for a manifest that would be one pull too many. Docker Hub counts no HEADs and no blobs."""
        if _PULLS not in self._pulls or "/manifests/" not in url.path:
            return
        if rest := self._pulls.remaining(_PULLS):
            raise pulls_used_up(
                host=self._host, side=self._side, with_credentials=self._with_credentials, retry_after=rest
            )

    async def _bounded(self, exchange: Exchange, *, what: str) -> bytes:
        try:
            # A drip of one byte per read timeout would otherwise hold us for years.
            async with asyncio.timeout(None if exchange.has_arrived else 2 * self._timeouts.read):
                content = await exchange.read(self._largest)
        except TimeoutError:
            raise RegistryTimeout(f"{self._host} sends {what} too slowly. Try again later.", side=self._side) from None
        if len(content) > self._largest:
            raise too_large(self._host, side=self._side, what=what, limit=self._largest)
        return content

    async def _reason(self, exchange: Exchange) -> bytes:
        if exchange.status == 401:
            return b""  # its header says it all, and the exchange may be closed already
        try:
            async with asyncio.timeout(self._timeouts.read):
                return await exchange.read(_ERROR_LIMIT)
        except (OCIError, TimeoutError):
            return b""

    def _note_pause(self, error: OCIError, exchange: Exchange) -> None:
        wait = self._persistence.wanted_wait(error)
        if isinstance(error, RateLimited) and error.limit is LimitKind.PULLS:
            # An account has them, not a host: others, and other requests, need not wait.
            self.was_refused = True
            self._pulls.pause(_PULLS, seconds=120 * self._persistence.first_pause if wait is None else wait)
        elif wait:
            of_account = (
                isinstance(error, RateLimited) and error.limit is not LimitKind.ABUSE and exchange.is_authorized
            )
            self._transport.pause(exchange.url, seconds=wait, of_account=of_account)
