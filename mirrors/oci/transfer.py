"""Blobs on their way: known or at the target already? done : mount from a sibling repository : stream.

Each digest moves at most once per run, however many tags need it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from mirrors.oci.concurrency import Once
from mirrors.oci.content import ContentRepository
from mirrors.oci.errors import DigestMismatch, NotFound, OCIError, Side, blame
from mirrors.oci.manifest import Descriptor
from mirrors.oci.progress import Progress, TagProgress

_BLOBS_AT_ONCE = 8
_ATTEMPTS = 3
_LONGEST_PAUSE = 60.0
_SMALL_BLOB = 1024 * 1024


@dataclass(slots=True)
class Flow:
    """One attempt to stream a blob: how far it has come, and the tag it counts for."""

    blob: Descriptor
    tag: TagProgress
    sent: int = 0


class Transfer:
    """Brings blobs from one repository to another.

    mount_from: repositories of the target's registry that may have the blobs already. fresh: the target repository
    does not exist yet.
    """

    def __init__(
        self, source: ContentRepository, target: ContentRepository, *, mount_from: Sequence[str], progress: Progress
    ) -> None:
        self._source = source
        self._target = target
        siblings = [*mount_from, *([source.name] if source.location == target.location else [])]
        self._siblings = [name for name in dict.fromkeys(siblings) if name != target.name]
        self._progress = progress
        self._slots = asyncio.Semaphore(_BLOBS_AT_ONCE)
        self._blobs: Once[None] = Once()
        self.fresh = False

    async def close(self) -> None:
        """Cancel and await whatever is under way."""
        await self._blobs.close()

    async def copy(self, blob: Descriptor, *, tag: TagProgress) -> None:
        """See to it that the target has the blob; whoever asks first does the work."""
        await self._blobs(blob.digest, lambda: self._copy(blob, tag=tag))

    async def _copy(self, blob: Descriptor, *, tag: TagProgress) -> None:
        async with self._slots:
            with blame(Side.TARGET):
                # In a repository that is not there yet a small blob is cheaper to send than to ask for. A large one may
                # have arrived before an earlier run died.
                ask = not (self.fresh and blob.size <= _SMALL_BLOB)
                if ask and await self._target.has_blob(blob.digest):
                    self._progress.count(tag, "blobs_present")
                    return
                if await self._mount(blob):
                    self._progress.count(tag, "blobs_mounted")
                    return
                self._progress.count(tag, "bytes_expected", blob.size)
                if await self._stream(blob, tag=tag):
                    self._progress.count(tag, "blobs_copied")

    async def _mount(self, blob: Descriptor) -> bool:
        for sibling in self._siblings:
            if await self._target.mount_blob(blob, source_repository=sibling):
                return True
        return False

    async def _stream(self, blob: Descriptor, *, tag: TagProgress) -> bool:
        """Whether it went over; False for a layer that only its own address has."""
        for number in range(1, _ATTEMPTS + 1):
            flow = Flow(blob, tag)
            try:
                async with aclosing(self._counted(flow)) as chunks:
                    await self._target.push_blob(blob, chunks)
                    return True
            except OCIError as error:
                if isinstance(error, NotFound) and error.side is Side.SOURCE and blob.urls:
                    # Whoever runs the image gets it from there.
                    self._progress.count(tag, "bytes_expected", -blob.size)
                    return False
                pause = _pause(error, number=number)
                if pause is None:
                    raise
                self._progress.count(tag, "bytes_copied", -flow.sent)
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _counted(self, flow: Flow) -> AsyncGenerator[bytes]:
        with blame(Side.SOURCE):
            async with aclosing(self._source.open_blob(flow.blob)) as chunks:
                async for chunk in chunks:
                    flow.sent += len(chunk)
                    self._progress.count(flow.tag, "bytes_copied", len(chunk))
                    yield chunk


def _pause(error: OCIError, *, number: int) -> float | None:
    """Seconds before a blob is tried again, or None where that would not help."""
    last = 2 if isinstance(error, DigestMismatch) else _ATTEMPTS
    # A target that says it has no such thing has lost the upload, as one of several behind a balancer does.
    lost = isinstance(error, NotFound) and error.side is Side.TARGET
    if not (error.retryable or lost) or number >= last or (error.retry_after or 0) > _LONGEST_PAUSE:
        return None
    return (error.retry_after or 0) + random.uniform(0.25, 0.75) * number  # noqa: S311 - jitter
