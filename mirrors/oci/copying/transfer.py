"""Blobs on their way: known or at the target already? done : mount from a sibling repository : stream.

Each digest moves at most once per run, however many tags need it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from functools import partial

from mirrors.oci.concurrency import Once
from mirrors.oci.content import ContentRepository
from mirrors.oci.copying.places import BlobPlaces, Siblings
from mirrors.oci.copying.progress import Progress, TagProgress
from mirrors.oci.errors import DigestMismatch, Incomplete, NotFound, OCIError, Side, Unsupported, blame
from mirrors.oci.images.manifest import Descriptor

# Of small blobs the round trips count, of large ones the memory.
_SMALL_AT_ONCE = 24
_LARGE_AT_ONCE = 8
_ATTEMPTS = 3
_LONGEST_PAUSE = 60.0
_SMALL_BLOB = 1024 * 1024
_SENT_UNASKED = 4 * 1024 * 1024


@contextmanager
def algorithm_refused(digest: str, *, location: str) -> Iterator[None]:
    """Turn the target's refusal of a digest into a sentence, where few registries take such a digest."""
    try:
        yield
    except (Unsupported, DigestMismatch) as error:
        if digest.startswith("sha256:") or error.side is Side.SOURCE or isinstance(error, Incomplete):
            raise
        raise Unsupported(
            f"{location} does not take content with a {digest.partition(':')[0]} digest. "
            "Leave the tag out, or choose a target registry that does.",
            side=Side.TARGET,
        ) from error


@dataclass(slots=True)
class _Flow:
    """A blob on its way: the byte it has come to in any attempt, and the tag it counts for."""

    blob: Descriptor
    tag: TagProgress
    reached: int = 0
    expected: bool = False


class Transfer:
    """Brings blobs from one repository to another.

    mount_from: repositories of the target's registry that may have the blobs already. places: what is known of where
    blobs are, shared with other copies. fresh: the target repository does not exist yet.
    """

    def __init__(
        self,
        source: ContentRepository,
        target: ContentRepository,
        *,
        mount_from: Sequence[str],
        progress: Progress,
        places: BlobPlaces | None = None,
    ) -> None:
        self._source = source
        self._target = target
        self._places = places or BlobPlaces()
        origin = source.name if source.location == target.location and source.name != target.name else None
        names = [name for name in dict.fromkeys(mount_from) if name not in (target.name, origin)]
        self._siblings = Siblings(names, location=target.location, places=self._places, origin=origin)
        self._progress = progress
        self._small_slots = asyncio.Semaphore(_SMALL_AT_ONCE)
        self._large_slots = asyncio.Semaphore(_LARGE_AT_ONCE)
        self._blobs: Once[None] = Once()
        self.fresh = False

    async def close(self) -> None:
        """Cancel and await whatever is under way."""
        await self._blobs.close()

    async def copy(self, blobs: Iterable[Descriptor], *, tag: TagProgress) -> None:
        """See to it that the target has these blobs, all at once; whoever asks first for one does the work."""
        # With their sizes, because one that lies of it fails, and must not fail for those that do not.
        await self._blobs.all(
            {(blob.digest, blob.size, blob.is_foreign): partial(self._copy, blob, tag=tag) for blob in blobs}
        )

    async def _copy(self, blob: Descriptor, *, tag: TagProgress) -> None:
        async with self._small_slots if blob.size <= _SMALL_BLOB else self._large_slots:
            with algorithm_refused(blob.digest, location=self._target.location), blame(Side.TARGET):
                if await self._is_there(blob):
                    self._progress.count(tag, "blobs_present")
                elif not await self._bring(blob, tag=tag):
                    return
            self._places.remember(blob.digest, location=self._target.location, repository=self._target.name)

    async def _is_there(self, blob: Descriptor) -> bool:
        # In a repository that is not there yet a small blob is cheaper to send than to ask for, and one that a sibling
        # has is cheaper to mount. A large one may have arrived before an earlier run died.
        if self.fresh and (blob.size <= _SENT_UNASKED or self._siblings.knows(blob.digest)):
            return False
        return await self._target.has_blob(blob.digest)

    async def _bring(self, blob: Descriptor, *, tag: TagProgress) -> bool:
        """Mount or stream it; False for a layer that only its own address has."""
        flow = _Flow(blob, tag)
        sibling = self._siblings.choose(blob.digest)
        for number in range(1, _ATTEMPTS + 1):
            try:
                return await self._push(flow, sibling=sibling)
            except OCIError as error:
                if isinstance(error, NotFound) and error.side is Side.SOURCE and blob.urls:
                    # Whoever runs the image gets it from there.
                    self._expect(flow, False)
                    return False
                pause = _pause(error, number=number)
                if pause is None:
                    raise
            await asyncio.sleep(pause)
            sibling = None
            # It may be the answer alone that was lost, as when storing takes longer than a proxy waits.
            if await self._target.has_blob(blob.digest):
                self._progress.count(tag, "blobs_copied")
                return True
        raise AssertionError("the last attempt returns or raises")

    async def _push(self, flow: _Flow, *, sibling: str | None) -> bool:
        mounted = await self._target.push_blob(
            flow.blob, lambda offset: self._counted(flow, offset=offset), mount_from=sibling
        )
        if sibling is not None:
            self._siblings.learn(flow.blob.digest, sibling, mounted=mounted)
        self._progress.count(flow.tag, "blobs_mounted" if mounted else "blobs_copied")
        return True

    async def _counted(self, flow: _Flow, *, offset: int) -> AsyncGenerator[bytes]:
        """The blob from the source; bytes that are read again, for whatever reason, are counted once."""
        self._expect(flow, True)
        position = offset
        with blame(Side.SOURCE):
            async with aclosing(self._source.open_blob(flow.blob, offset=offset)) as chunks:
                async for chunk in chunks:
                    position += len(chunk)
                    if position > flow.reached:
                        self._progress.count(flow.tag, "bytes_copied", position - flow.reached)
                        flow.reached = position
                    yield chunk

    def _expect(self, flow: _Flow, expected: bool) -> None:
        if flow.expected is not expected:
            self._progress.count(flow.tag, "bytes_expected", flow.blob.size if expected else -flow.blob.size)
            flow.expected = expected


def _pause(error: OCIError, *, number: int) -> float | None:
    """Seconds before a blob is tried again, or None where that would not help."""
    last = 2 if isinstance(error, DigestMismatch) else _ATTEMPTS
    # A target that says it has no such thing has lost the upload, as one of several behind a balancer does.
    lost = isinstance(error, NotFound) and error.side is Side.TARGET
    if not (error.retryable or lost) or number >= last or (error.retry_after or 0) > _LONGEST_PAUSE:
        return None
    return (error.retry_after or 0) + random.uniform(0.25, 0.75) * number  # noqa: S311 - jitter
