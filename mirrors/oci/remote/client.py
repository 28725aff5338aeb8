"""The HTTP client of one registry: authorization, redirects, retries, and every fault as an OCIError."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self, TypeVar

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from mirrors.oci.endpoint import Endpoint
from mirrors.oci.errors import (
    MalformedAnswer,
    NameNotResolved,
    OCIError,
    RegistryFault,
    RegistryTimeout,
    Side,
)
from mirrors.oci.remote.auth import Authorizer, auth_failed
from mirrors.oci.remote.challenges import parse_challenges
from mirrors.oci.remote.egress import EgressGuard
from mirrors.oci.remote.faults import error_codes, status_error
from mirrors.oci.remote.links import is_usable
from mirrors.oci.remote.scheme import find_root
from mirrors.oci.remote.transport import Exchange, PacedBody, Timeouts, Transport, host_and_port, too_large

T = TypeVar("T")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_ERROR_LIMIT = 64 * 1024
SMALL_ANSWER = 10 * 1024 * 1024
"""Bytes at most of an answer that is held in memory: manifests, tag pages, tokens."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of a registry."""

    status: int
    headers: CIMultiDictProxy[str]
    content: bytes
    url: URL


class RegistryClient:
    """Speaks to one registry, in one `async with`.

    side: whose fault an error will be. guard: where connections may go; None allows every address.
    attempts: tries of one request in all. longest_pause: seconds; a registry that asks for a longer one gets no
    second try, and its wish is in the error's `retry_after`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        side: Side,
        guard: EgressGuard | None = None,
        timeouts: Timeouts | None = None,
        attempts: int = 4,
        longest_pause: float = 60.0,
    ) -> None:
        self.endpoint = endpoint
        self.side = side
        self.host = endpoint.registry
        self._timeouts = timeouts or Timeouts()
        self._attempts = attempts
        self._longest_pause = longest_pause
        self._transport = Transport(endpoint, side=side, guard=guard, timeouts=self._timeouts)
        self._authorizer = Authorizer(
            host=self.host, side=side, credentials=endpoint.credentials, fetch_token=self._fetch_token
        )
        self._own: URL | None = URL(f"https://{endpoint.api_host}/") if endpoint.verify_tls else None
        self._scheme_lock = asyncio.Lock()
        self._quiet_until = 0.0

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._transport.__aexit__(*exception)

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
            exchange = await self._authorized(method, path, scope=scope, headers=headers or {}, body=body)
            try:
                return await self._read(exchange, accept=accept, what=what, bodyless=method == "HEAD")
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
            exchange = await self._authorized("GET", path, scope=scope, headers=headers or {}, body=None)
            if exchange.status in accept:
                return exchange
            try:
                raise await self._fault(exchange, what=what)
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
        try:
            async with asyncio.timeout(None) as deadline:
                body = PacedBody(chunks, deadline=deadline, timeouts=self._timeouts)
                try:
                    return await self._upload(
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

    async def _upload(
        self,
        method: str,
        url: URL,
        *,
        scope: str,
        what: str,
        headers: dict[str, str],
        body: PacedBody,
        accept: Collection[int],
    ) -> Answer:
        if authorization := await self._authorization(url, scope=scope):
            headers["Authorization"] = authorization
        exchange = await self._transport.send(
            method, url, headers=headers, body=body, read_timeout=self._timeouts.commit
        )
        try:
            if exchange.status == 401:
                # The body is gone. The next attempt, of the whole blob, has a new token.
                await self._answer_challenge(exchange, scope=scope, refused=authorization)
                raise RegistryFault(f"{self.host} took back its permission while {what} was sent.", side=self.side)
            return await self._read(exchange, accept=accept, what=what)
        finally:
            exchange.close()

    async def own_url(self, path: str) -> URL:
        """The full URL of a path of this registry."""
        own = self._own or await self._settle_scheme()
        return URL(f"{own.scheme}://{self.endpoint.api_host}{path}", encoded=True)

    async def joined_url(self, base: URL, location: str) -> URL:
        """A Location the registry gave, relative or absolute; raises MalformedAnswer for one that is no URL.

        A registry behind a TLS proxy often believes itself to be at http://: its own host keeps our scheme. Where TLS
        is verified, no other host is gone to without it, neither for content nor with it.
        """
        try:
            url = base.join(URL(location, encoded=True)) if location else URL()
        except ValueError:
            url = URL()
        if not is_usable(url):
            raise MalformedAnswer(f"{self.host} sent an address that cannot be read.", side=self.side)
        own = self._own or await self._settle_scheme()
        if url.host == own.host and url.scheme != own.scheme and url.explicit_port in (None, own.explicit_port):
            return URL(f"{own.origin()}{url.raw_path_qs}", encoded=True)
        if url.scheme == "http" and self.endpoint.verify_tls:
            raise MalformedAnswer(f"{self.host} redirects to plain HTTP, which is not followed.", side=self.side)
        return url

    async def _authorized(
        self, method: str, path: str | URL, *, scope: str, headers: Mapping[str, str], body: bytes | None
    ) -> Exchange:
        url = path if isinstance(path, URL) else await self.own_url(path)
        authorization = await self._authorization(url, scope=scope)
        exchange = await self._follow(method, url, headers=_with_authorization(headers, authorization), body=body)
        if exchange.status != 401 or not self._is_own(exchange.url):
            return exchange
        authorization = await self._answer_challenge(exchange, scope=scope, refused=authorization)
        return await self._follow(method, url, headers=_with_authorization(headers, authorization), body=body)

    async def _authorization(self, url: URL, *, scope: str) -> str | None:
        return await self._authorizer.header(scope) if self._is_own(url) else None

    async def _answer_challenge(self, exchange: Exchange, *, scope: str, refused: str | None) -> str:
        challenges = parse_challenges(exchange.headers.getall("WWW-Authenticate", ()))
        exchange.close()
        return await self._authorizer.answer(challenges, scope=scope, refused=refused)

    async def _follow(self, method: str, url: URL, *, headers: Mapping[str, str], body: bytes | None) -> Exchange:
        for _ in range(_MOST_REDIRECTS + 1):
            await self._keep_quiet(url)
            exchange = await self._transport.send(method, url, headers=headers, body=body)
            location = exchange.headers.get("Location")
            if exchange.status not in _REDIRECTS or method not in {"GET", "HEAD"} or not location:
                return exchange
            exchange.close()
            url, previous = await self.joined_url(url, location), url
            if url.origin() != previous.origin():
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
        raise MalformedAnswer(f"{self.host} redirects in a circle.", side=self.side)

    async def _read(self, exchange: Exchange, *, accept: Collection[int], what: str, bodyless: bool = False) -> Answer:
        if exchange.status not in accept:
            raise await self._fault(exchange, what=what)
        content = b"" if bodyless else await self._bounded(exchange, what=what)
        return Answer(exchange.status, exchange.headers, content, exchange.url)

    async def _bounded(self, exchange: Exchange, *, what: str) -> bytes:
        try:
            # A drip of one byte per read timeout would otherwise hold us for years.
            async with asyncio.timeout(2 * self._timeouts.read):
                content = await exchange.read(SMALL_ANSWER)
        except TimeoutError:
            raise RegistryTimeout(f"{self.host} sends {what} too slowly. Try again later.", side=self.side) from None
        if len(content) > SMALL_ANSWER:
            raise too_large(self.host, side=self.side, what=what, limit=SMALL_ANSWER)
        return content

    async def _fault(self, exchange: Exchange, *, what: str) -> OCIError:
        try:
            async with asyncio.timeout(self._timeouts.read):
                content = await exchange.read(_ERROR_LIMIT)
        except (OCIError, TimeoutError):
            content = b""
        status, own = exchange.status, self._is_own(exchange.url)
        if status in {400, 401, 403} and not own:
            # A signed storage address that has expired: the registry will sign a new one.
            return RegistryFault(
                f"The storage behind {self.host} refused {what}. It is worth trying again.", side=self.side
            )
        codes = error_codes(content)
        if status == 401 or (
            status == 403 and not {"TOOMANYREQUESTS", "UNSUPPORTED"} & set(codes) and "QUOTA" not in str(codes)
        ):
            return auth_failed(self.host, side=self.side, with_credentials=self.endpoint.credentials is not None)
        return status_error(
            status, headers=exchange.headers, content=content, host=self.host, side=self.side, what=what
        )

    async def _fetch_token(self, url: URL, authorization: str | None) -> bytes:
        if authorization and url.scheme == "http" and self.endpoint.verify_tls:
            raise MalformedAnswer(
                f"{self.host} wants its credentials over plain HTTP, which is not done.", side=self.side
            )
        headers = _with_authorization({"Accept": "application/json"}, authorization)
        what = f"a token at {host_and_port(url)}"

        async def attempt() -> bytes:
            exchange = await self._follow("GET", url, headers=headers, body=None)
            try:
                if exchange.status in {401, 403}:
                    raise auth_failed(self.host, side=self.side, with_credentials=authorization is not None)
                return (await self._read(exchange, accept=(200,), what=what)).content
            finally:
                exchange.close()

        return await self._persistently(attempt)

    async def _persistently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        for number in range(1, self._attempts):
            try:
                return await attempt()
            except OCIError as error:
                pause = self._pause(error, number=number)
                if pause is None:
                    raise
            await asyncio.sleep(pause)
        return await attempt()

    def _pause(self, error: OCIError, *, number: int) -> float | None:
        """Seconds until the next attempt, or None where it would not help."""
        if not error.retryable or isinstance(error, NameNotResolved):
            return None
        if isinstance(error, RegistryTimeout) and (
            number > 1 or isinstance(error.__cause__, aiohttp.ConnectionTimeoutError)
        ):
            return None
        if error.retry_after is not None:
            if error.retry_after > self._longest_pause:
                return None
            # All requests to this registry wait, and none of them wakes up in lockstep with the others.
            self._quiet_until = max(self._quiet_until, asyncio.get_running_loop().time() + error.retry_after)
            return error.retry_after + random.uniform(0, 0.5)  # noqa: S311 - jitter
        return random.uniform(0.5, 1.0) * min(self._longest_pause, 0.25 * 2.0**number)  # noqa: S311 - jitter

    async def _keep_quiet(self, url: URL) -> None:
        if not self._quiet_until:
            return
        rest = self._quiet_until - asyncio.get_running_loop().time()
        if rest > 0 and self._is_own(url):
            await asyncio.sleep(rest + random.uniform(0, 0.2))  # noqa: S311 - jitter

    def _is_own(self, url: URL) -> bool:
        own = self._own
        return own is not None and (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port)

    async def _settle_scheme(self) -> URL:
        async with self._scheme_lock:
            if self._own is None:
                self._own = await find_root(self._transport, self.endpoint.api_host)
            return self._own


def _with_authorization(headers: Mapping[str, str], authorization: str | None) -> Mapping[str, str]:
    return {**headers, "Authorization": authorization} if authorization else headers
