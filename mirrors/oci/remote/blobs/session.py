"""One upload under way at a registry: its newest address, and how many bytes the registry has."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from urllib.parse import quote

from yarl import URL

from mirrors.oci.concurrency import uninterrupted
from mirrors.oci.errors import DigestMismatch, OCIError, QuotaExceeded, Refused, RegistryFault
from mirrors.oci.remote.blobs.feed import Feed, Piece
from mirrors.oci.remote.blobs.plans import Declined
from mirrors.oci.remote.client import Answer, RegistryClient
from mirrors.oci.remote.http.faults import error_codes, status_error

CANCEL_SECONDS = 2.0
_RANGE = re.compile(r"(?:bytes[ =])?0-(\d+)")
_STORED = (200, 201, 202, 204)
# With these a registry or a proxy in front of it says that it does not take bytes in this way.
_REFUSALS = (400, 405, 411, 413, 415, 416, 501)


class UploadSession:
    """shortest_chunk: bytes at least of each chunk but the last, as the registry said."""

    def __init__(self, client: RegistryClient, location: URL, *, scope: str, shortest_chunk: int = 0) -> None:
        self.offset = 0
        self.shortest_chunk = shortest_chunk
        self._client = client
        self._location = location
        self._scope = scope
        self._bodies = 0

    async def put(self, feed: Feed) -> None:
        """The whole blob and the end of the upload in one request; raises Declined."""
        digest = feed.descriptor.digest
        url = _with_digest(self._location, digest)
        answer = await self._send("PUT", url, feed, feed.descriptor.size)
        if answer.status not in _STORED:
            raise self._refusal(answer, digest=digest, ranged=False)

    async def patch(self, feed: Feed, size: int, *, ranged: bool) -> None:
        """The next bytes; raises Declined where the registry does not take them so, or has lost some before them."""
        headers = {"Content-Range": f"{self.offset}-{self.offset + size - 1}"} if ranged else {}
        answer = await self._send("PATCH", self._location, feed, size, headers=headers)
        if answer.status not in _STORED:
            raise self._refusal(answer, digest=feed.descriptor.digest, ranged=ranged)
        await self._move(answer)
        self._bodies += 1
        self.offset += size
        is_last = self.offset == feed.descriptor.size
        if (self._bodies > 1 or not is_last) and not await self._is_right(answer, ask=not is_last):
            # Amazon ECR takes each PATCH with 201 and drops all after the first (aws/containers-roadmap#2831).
            raise Declined(Declined.Reason.CHUNKS, self._lost(feed.descriptor.digest))

    async def finish(self, digest: str) -> None:
        """End the upload; raises DigestMismatch where the registry computes another digest."""
        url, what = _with_digest(self._location, digest), f"blob {digest}"
        # As an upload, because checking and storing the blob takes as long as after a whole one.
        answer = await self._client.upload(
            "PUT", url, scope=self._scope, what=what, chunks=_Nothing(), size=0, accept=(*_STORED, *_REFUSALS)
        )
        if answer.status in _STORED:
            return
        refusal = self._refusal(answer, digest=digest, ranged=False)
        if isinstance(refusal, DigestMismatch) and self._bodies > 1:
            raise Declined(Declined.Reason.CHUNKS, refusal)
        raise refusal.error if isinstance(refusal, Declined) else refusal

    async def ask(self, *, limit: int, after: OCIError) -> None:
        """Learn how many bytes the registry has; raises the error `after` which that was asked where it cannot say.

        limit: how many it can have at most.
        """
        try:
            answer = await self._status()
        except OCIError:
            raise after from None
        offset = _received(answer)
        if offset is None or offset > limit:
            raise after
        self.offset = offset

    async def cancel(self, *, seconds: float = CANCEL_SECONDS) -> None:
        """Take the upload back, whatever the registry thinks of it. seconds: what that may take."""
        await uninterrupted(self._delete(seconds))

    async def _delete(self, seconds: float) -> None:
        with suppress(OCIError, TimeoutError):
            async with asyncio.timeout(seconds):
                await self._client.call(
                    "DELETE", self._location, scope=self._scope, what="an upload", accept=range(200, 600)
                )

    async def _send(
        self, method: str, url: URL, feed: Feed, size: int, *, headers: dict[str, str] | None = None
    ) -> Answer:
        what, accept = f"blob {feed.descriptor.digest}", (*_STORED, *_REFUSALS)
        if size and not feed.holds_whole():
            return await self._client.upload(
                method, url, scope=self._scope, what=what, chunks=Piece(feed, size), size=size, headers=headers,
                accept=accept,
            )  # fmt: skip
        return await self._client.call(
            method,
            url,
            scope=self._scope,
            what=what,
            headers={"Content-Type": "application/octet-stream", **(headers or {})},
            body=await feed.take(size),
            accept=accept,
            repeatable=False,
        )

    async def _is_right(self, answer: Answer, *, ask: bool) -> bool:
        """Whether the registry has as many bytes as it was sent; True where it cannot tell."""
        received = _received(answer)
        if received is None and ask:
            with suppress(OCIError):
                received = _received(await self._status())
        return received is None or received == self.offset

    async def _status(self) -> Answer:
        answer = await self._client.call(
            "GET", self._location, scope=self._scope, what="an upload", accept=(200, 202, 204)
        )
        await self._move(answer)
        return answer

    async def _move(self, answer: Answer) -> None:
        if location := answer.headers.get("Location"):
            self._location = await self._client.joined_url(self._location, location)

    def _refusal(self, answer: Answer, *, digest: str, ranged: bool) -> OCIError | Declined:
        codes, host, side = error_codes(answer.content), self._client.host, self._client.side
        if "DIGEST_INVALID" in codes:
            return DigestMismatch(
                f"{host} computes another digest for blob {digest} and did not store it. Something between here and "
                "there changes content.",
                side=side,
            )
        error = status_error(
            answer.status,
            headers=answer.headers,
            content=answer.content,
            host=host,
            side=side,
            what=f"blob {digest}",
            own=answer.url.host == URL(f"https://{self._client.endpoint.api_host}").host,
            with_credentials=self._client.endpoint.credentials is not None,
        )
        if error.retryable or isinstance(error, QuotaExceeded):
            return error
        if answer.status == 416 and ranged and _received(answer) not in (None, self.offset):
            # It has more or less than we think, and is to be asked.
            return RegistryFault(f"{host} has another part of blob {digest} than it was sent. Try again.", side=side)
        if answer.status == 413 or (answer.status == 416 and ranged):
            return Declined(Declined.Reason.SIZE, error)
        return Declined(Declined.Reason.CHUNKS if self._bodies else Declined.Reason.STYLE, error)

    def _lost(self, digest: str) -> OCIError:
        host, side = self._client.host, self._client.side
        return Refused(f"{host} keeps the first part only of blob {digest}, sent in parts. Try again.", side=side)


class _Nothing:
    """An empty body."""

    def __aiter__(self) -> _Nothing:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


def _received(answer: Answer) -> int | None:
    """How many bytes the registry says it has; None where it does not say.

    `0-0` is one byte by the specification, and what registries say of none at all: none is the safe reading.
    """
    match = _RANGE.fullmatch(answer.headers.get("Range", "").strip())
    if match is None:
        return None
    last = int(match[1])
    return last + 1 if last else 0


def _with_digest(location: URL, digest: str) -> URL:
    # Not URL.update_query: it would rewrite a state the registry has signed.
    separator = "&" if location.raw_query_string else "?"
    return URL(f"{location}{separator}digest={quote(digest, safe=':')}", encoded=True)
