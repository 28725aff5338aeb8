"""The body of an upload, on its way from wherever it comes from to a target that may stall."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from mirrors.oci.remote.http.timeouts import Timeouts
from mirrors.oci.remote.limits.bandwidth import Bandwidth
from mirrors.oci.remote.limits.concurrency import without_queueing


class PacedBody:
    """Hands chunks on, remembers what failed at their origin, and stops where the target stalls.

    deadline: expires when the target has stalled, and never while the origin or the bandwidth is what is waited for.
    One timer looks now and then whether the target is late; to move the deadline with each chunk would cost a
    twentieth of the CPU of a stream.
    """

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        *,
        deadline: asyncio.Timeout,
        timeouts: Timeouts,
        bandwidth: Bandwidth | None,
    ) -> None:
        self._chunks = chunks
        self._deadline = deadline
        self._timeouts = timeouts
        self._bandwidth = bandwidth
        self._turn = asyncio.Lock()
        self._finished = False
        self._loop = asyncio.get_running_loop()
        self._due: float | None = None
        self._watch: asyncio.TimerHandle | None = None
        self.failure: Exception | None = None
        self.touched = False
        """Whether any of it has been asked for. What has not can be sent elsewhere."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        async with self._turn:
            if self._finished:
                raise StopAsyncIteration
            self.touched = True
            self._due = None  # waiting for the source: it has its own timeout
            try:
                # The target keeps a place for this body; whoever has the source's last one may be waiting for it.
                with without_queueing():
                    chunk = await anext(self._chunks)
            except StopAsyncIteration:
                self.expect_progress_within(self._timeouts.commit)
                raise
            except Exception as error:  # whatever it is, it is the caller's, not aiohttp's wrapping of it
                self.failure = error
                raise
            if self._bandwidth is not None:
                await self._bandwidth.pass_through(len(chunk))
            self.expect_progress_within(self._timeouts.read)
            return chunk

    async def settle(self) -> None:
        """Wait until nobody is reading from the chunks any more, and let nobody start."""
        self._finished = True
        if self._watch is not None:
            self._watch.cancel()
        async with self._turn:
            pass

    def expect_progress_within(self, seconds: float) -> None:
        """Give the target this long to ask for more, or to answer."""
        self._due = self._loop.time() + seconds
        if self._watch is None and not self._finished:
            self._watch = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._watch = None
        if self._due is None or self._finished:
            return  # the next chunk sets another watch
        if self._due <= self._loop.time():
            self._deadline.reschedule(self._due)
        else:
            self._watch = self._loop.call_at(self._due, self._look)
