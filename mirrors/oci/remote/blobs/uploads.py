"""Blobs to a registry: a POST opens an upload (or mounts the blob), then the bytes go in one of the ways of `Plan`.

Source: OCI distribution-spec v1.1, "Pushing blobs". Its Locations are opaque, and the newest one counts.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import quote

from mirrors.oci.concurrency import uninterrupted
from mirrors.oci.content import BlobReader
from mirrors.oci.errors import AuthFailed, DigestMismatch, NotFound, OCIError, Side, Unsupported
from mirrors.oci.images.manifest import Descriptor, digest_algorithm
from mirrors.oci.profile import UploadStyle
from mirrors.oci.remote.blobs.feed import Feed
from mirrors.oci.remote.blobs.plans import SMALLEST_CHUNK, Declined, Plan
from mirrors.oci.remote.blobs.session import CANCEL_SECONDS, UploadSession
from mirrors.oci.remote.client import Answer, RegistryClient

B = TypeVar("B", bound=UploadSession | bool)
# Seconds before an upload is taken up again that has not moved since it last broke.
_PAUSES = (0.2, 1.0, 3.0)
_LONGEST_PAUSE = 60.0
_SHORTEST_CANCEL = 0.5


class Uploads:
    """Brings blobs into one repository. has_blob: asks whether it is there."""

    def __init__(
        self, client: RegistryClient, *, name: str, scope: str, has_blob: Callable[[str], Awaitable[bool]]
    ) -> None:
        self._client = client
        self._name = name
        self._scope = scope
        self._has_blob = has_blob
        self._habits = client.upload_habits

    async def push(self, descriptor: Descriptor, read: BlobReader, *, mount_from: str | None) -> bool:
        """Mount the blob from a repository of this registry (True) or send it (False)."""
        session: UploadSession | None = None
        if mount_from is not None and self._client.endpoint.profile.mounts:
            begun = await _begun(self._mount(descriptor, source_repository=mount_from))
            if isinstance(begun, UploadSession):
                session = begun
            elif begun:
                return True
        async with Feed(read, descriptor=descriptor) as feed:
            if session is None:
                await feed.start()
                session = await self._open(descriptor)
            await self._send(feed, session)
        return False

    async def _send(self, feed: Feed, session: UploadSession | None) -> None:
        """By the first of the ways that the registry does not decline; what worked is tried first from then on."""
        size, waiting = feed.descriptor.size, [self._habits.plan(feed.descriptor.size)]
        tried: list[Plan] = []
        refusal: OCIError | None = None
        while waiting:
            plan = waiting.pop(0)
            tried.append(plan)
            try:
                await self._send_by(plan, feed, session or await self._open(feed.descriptor))
            except Declined as declined:
                refusal, session = refusal or declined.error, None
                waiting = [other for other in plan.instead(declined.reason, size=size) if other not in tried]
                continue
            if refusal is not None:
                self._habits.learn(plan, size=size)
            return
        raise refusal or AssertionError("there is a first way")

    async def _send_by(self, plan: Plan, feed: Feed, session: UploadSession) -> None:
        finished = False
        try:
            await feed.start()
            if plan.style is UploadStyle.PUT:
                await feed.seek(0)
                await session.put(feed)
            else:
                await self._send_in_turn(plan, feed, session)
                await self._finish(session, digest=feed.descriptor.digest)
            finished = True
        finally:
            if not finished:
                # An upload nobody finishes stays in the registry's storage for a week.
                await session.cancel()

    async def _send_in_turn(self, plan: Plan, feed: Feed, session: UploadSession) -> None:
        """All bytes by PATCH; a break is mended from the byte that the registry says it has come to."""
        size, tries, furthest = feed.descriptor.size, 0, 0
        fault: OCIError | None = None
        chunk_size = max(plan.chunk_size, session.shortest_chunk) if plan.style is UploadStyle.CHUNKS else size
        while (before := session.offset) < size:
            await feed.seek(before)
            try:
                ranged = plan.style is UploadStyle.CHUNKS or before > 0
                await session.patch(feed, min(chunk_size, size - before), ranged=ranged)
                # Not for what it has had before: one that loses it again and again would be sent it without end.
                tries = 0 if session.offset > furthest else tries
                furthest = max(furthest, session.offset)
                continue
            except OCIError as error:
                if error.side is not Side.TARGET or not error.retryable or tries == len(_PAUSES):
                    raise
                fault = error
            except Declined as declined:
                if fault is None:
                    raise
                if declined.reason is not Declined.Reason.SIZE or chunk_size <= SMALLEST_CHUNK:
                    raise fault from None  # It cannot go on after a break; another upload may need no going on.
                chunk_size = SMALLEST_CHUNK
                continue
            await _pause(fault, number=tries)
            await session.ask(limit=feed.position, after=fault)
            tries = 0 if session.offset > furthest else tries + 1
            furthest = max(furthest, session.offset)

    async def _finish(self, session: UploadSession, *, digest: str) -> None:
        for number in range(2):
            try:
                return await session.finish(digest)
            except OCIError as error:
                if isinstance(error, DigestMismatch) or not (error.retryable or isinstance(error, NotFound)):
                    raise
                await _pause(error, number=number)
                # The answer may have been lost, or come from a proxy while the registry was still storing the blob.
                if await self._has_blob(digest):
                    return None
                if isinstance(error, NotFound):
                    raise
        return await session.finish(digest)

    async def _mount(self, descriptor: Descriptor, *, source_repository: str) -> UploadSession | bool:
        """Whether it was mounted, or the upload that the registry opened instead."""
        query = f"mount={quote(descriptor.digest, safe=':')}&from={quote(source_repository, safe='')}"
        scope = f"{self._scope} repository:{source_repository}:pull"
        try:
            answer = await self._post(descriptor, query=query, scope=scope)
        except (AuthFailed, NotFound, Unsupported):
            return False
        if answer.status == 201:
            return True
        return await self._session(answer) if "Location" in answer.headers else False

    async def _open(self, descriptor: Descriptor) -> UploadSession:
        async def opening() -> UploadSession:
            return await self._session(await self._post(descriptor, query="", scope=self._scope))

        return await _begun(opening())

    async def _post(self, descriptor: Descriptor, *, query: str, scope: str) -> Answer:
        algorithm = digest_algorithm(descriptor.digest)
        parts = [query, f"digest-algorithm={algorithm}" if algorithm != "sha256" else ""]
        query = "&".join(filter(None, parts))
        path = f"/v2/{self._name}/blobs/uploads/" + (f"?{query}" if query else "")
        what = f"an upload to {self._name}"
        return await self._client.call("POST", path, scope=scope, what=what, body=b"", accept=(201, 202))

    async def _session(self, answer: Answer) -> UploadSession:
        location = await self._client.joined_url(answer.url, answer.headers.get("Location", ""))
        shortest = answer.headers.get("OCI-Chunk-Min-Length", "")
        return UploadSession(
            self._client,
            location,
            scope=self._scope,
            shortest_chunk=int(shortest) if shortest.isascii() and shortest.isdigit() else 0,
        )


async def _begun(beginning: Coroutine[Any, Any, B]) -> B:
    """What a POST has begun; a cancel on the way waits for the address of the upload, to take it back."""
    task = asyncio.ensure_future(beginning)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(OCIError, TimeoutError):
            await uninterrupted(_cancel_when_open(task))
        raise


async def _cancel_when_open(task: asyncio.Future[B]) -> None:
    started = time.monotonic()
    begun = await asyncio.wait_for(task, CANCEL_SECONDS)
    if isinstance(begun, UploadSession):
        # Together no longer than the one: a copy that is cancelled has to end within five seconds.
        await begun.cancel(seconds=max(_SHORTEST_CANCEL, CANCEL_SECONDS - (time.monotonic() - started)))


async def _pause(error: OCIError, *, number: int) -> None:
    """Wait as long as the registry asks, with some jitter; raises the error where that is too long."""
    if (error.retry_after or 0) > _LONGEST_PAUSE:
        raise error
    await asyncio.sleep((error.retry_after or 0) + _PAUSES[number] * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
