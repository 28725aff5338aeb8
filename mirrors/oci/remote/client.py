"""The HTTP client of one registry: authorization, redirects, retries, and every fault as an OCIError."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Self

from yarl import URL

from mirrors.oci.endpoint import Endpoint
from mirrors.oci.errors import OCIError, RegistryTimeout, Side
from mirrors.oci.remote.blobs.plans import UploadHabits
from mirrors.oci.remote.egress.guard import EgressGuard
from mirrors.oci.remote.http.body import PacedBody
from mirrors.oci.remote.http.exchange import Answer as Answer
from mirrors.oci.remote.http.exchange import Exchange
from mirrors.oci.remote.http.reading import Reader
from mirrors.oci.remote.http.requests import Requests
from mirrors.oci.remote.http.retries import Persistence
from mirrors.oci.remote.http.scheme import Home
from mirrors.oci.remote.http.timeouts import Timeouts
from mirrors.oci.remote.http.transport import Transport
from mirrors.oci.remote.limits import pauses as shared
from mirrors.oci.remote.limits.pauses import HostPauses
from mirrors.oci.remote.limits.rate_limits import RateLimit


class RegistryClient:
    """Speaks to one registry, in one `async with`.

    side: whose fault an error will be. guard: where connections may go; None allows every address.
    attempts: tries of one request in all. first_pause: seconds before the second, doubled for each one after it.
    longest_pause: seconds; a registry that asks for a longer one gets no second try, and its wish is in the error's
    `retry_after`. pauses: what hosts have asked for, shared with other clients; None: with all of this process.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        side: Side,
        guard: EgressGuard | None = None,
        timeouts: Timeouts | None = None,
        attempts: int = 4,
        first_pause: float = 0.5,
        longest_pause: float = 60.0,
        pauses: HostPauses | None = None,
    ) -> None:
        timeouts = timeouts or Timeouts()
        persistence = Persistence(attempts=attempts, first_pause=first_pause, longest_pause=longest_pause)
        pauses = shared.PROCESS_PAUSES if pauses is None else pauses
        transport = Transport(
            endpoint, side=side, guard=guard, timeouts=timeouts, pauses=pauses, patience=longest_pause
        )
        home = Home(endpoint, side=side, transport=transport, patience=timeouts.connect)
        reader = Reader(endpoint, side=side, home=home, transport=transport, persistence=persistence, timeouts=timeouts)
        self.endpoint = endpoint
        self.side = side
        self.host = endpoint.registry
        self.upload_habits = UploadHabits(endpoint.profile)
        self._timeouts = timeouts
        self._persistently = persistence
        self._transport = transport
        self._home = home
        self._reader = reader
        self._requests = Requests(
            endpoint,
            side=side,
            home=home,
            transport=transport,
            reader=reader,
            persistence=persistence,
            timeouts=timeouts,
        )

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._transport.__aexit__(*exception)

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the registry said last of how many pulls or requests are left, or None if it said nothing."""
        return self._reader.rate_limit

    @property
    def was_refused(self) -> bool:
        """Whether the registry has denied it anything, or has no pulls left for it: what others need not inherit."""
        return self._reader.was_refused

    @property
    def uses_tls(self) -> bool | None:
        """Whether the registry is reached by TLS; None while nobody has found out."""
        return None if self._home.root is None else self._home.root.scheme == "https"

    async def call(
        self,
        method: str,
        path: str | URL,
        *,
        scope: str,
        what: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        accept: Collection[int] = (200,),
        repeatable: bool = True,
    ) -> Answer:
        """One request with a small answer, tried again where that can help; raises an OCIError.

        path: `/v2/…`, or a URL the registry gave. what: names the thing in errors. accept: the welcome statuses.
        repeatable: False where a second one would do something else (bytes of an upload).
        """

        async def attempt() -> Answer:
            exchange = await self._requests.send(method, path, scope=scope, headers=headers or {}, body=body)
            try:
                return await self._reader.read(exchange, accept=accept, what=what, bodyless=method == "HEAD")
            finally:
                exchange.close()

        return await (self._persistently(attempt) if repeatable else attempt())

    @asynccontextmanager
    async def stream(
        self,
        path: str | URL,
        *,
        scope: str,
        what: str,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (200,),
    ) -> AsyncIterator[Exchange]:
        """GET something large: status, headers, and its chunks as they come, until the context ends.

        headers: such as `Range`. accept: the welcome statuses, such as 206; which it was is for the caller to look at.
        """

        async def attempt() -> Exchange:
            exchange = await self._requests.send("GET", path, scope=scope, headers=headers or {})
            if exchange.status in accept:
                return exchange
            try:
                raise await self._reader.fault(exchange, what=what)
            finally:
                exchange.close()

        exchange = await self._persistently(attempt)
        try:
            yield exchange
        finally:
            exchange.close()

    async def upload(
        self,
        method: str,
        url: URL,
        *,
        scope: str,
        what: str,
        chunks: AsyncIterator[bytes],
        size: int,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (200, 201, 202, 204),
    ) -> Answer:
        """Send a body of exactly `size` bytes as it comes, once. headers: such as `Content-Range`.

        An error out of `chunks` closes the connection before the body is complete, and comes out of here unchanged.
        """
        sent = {"Content-Length": str(size), "Content-Type": "application/octet-stream", **(headers or {})}
        bandwidth = self._transport.bandwidth
        try:
            async with asyncio.timeout(None) as deadline:
                body = PacedBody(chunks, deadline=deadline, timeouts=self._timeouts, bandwidth=bandwidth)
                try:
                    return await self._requests.upload(
                        method, url, scope=scope, what=what, headers=sent, body=body, accept=accept
                    )
                except OCIError:
                    if body.failure is not None:
                        raise body.failure from None
                    raise
                finally:
                    await body.settle()
        except TimeoutError:
            raise RegistryTimeout(
                f"{self.host} stopped taking {what} in the middle. Check the {self.side} and the line to it.",
                side=self.side,
            ) from None

    def owns(self, url: URL) -> bool:
        """Whether a URL is the registry's own, to which its credentials go."""
        return self._home.owns(url)

    async def own_url(self, path: str) -> URL:
        """The full URL of a path of this registry."""
        return await self._home.url(path)

    async def joined_url(self, base: URL, location: str) -> URL:
        """A Location the registry gave, relative or absolute; raises MalformedAnswer where it may not be followed."""
        return await self._home.joined(base, location)
