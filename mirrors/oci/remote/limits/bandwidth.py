"""A limit of bytes per second for the blobs of one registry, shared fairly by all streams of the process."""

from __future__ import annotations

import asyncio
import threading
import time

from mirrors.oci.errors import Side

_BURST = 0.25


class Bandwidth:
    """A token bucket that keeps no more than one number: when the bytes granted so far will have passed.

    Each stream asks for one chunk at a time and sleeps until its turn is over, so streams take turns by chunks. Bytes
    not used are kept for a quarter of a second. Threads and event loops may share it.
    Source: the generic cell rate algorithm (ITU-T I.371), a token bucket as a schedule.
    """

    def __init__(self, rate: int) -> None:
        self._rate = max(1, rate)
        self._passed_at = 0.0
        self._lock = threading.Lock()

    async def pass_through(self, size: int) -> None:
        """Wait for as long as `size` bytes take, those of others before them included."""
        pause = self.reserve(size, now=time.monotonic())
        if pause <= 0:
            return
        try:
            await asyncio.sleep(pause)
        except asyncio.CancelledError:
            self._give_back(size)  # else a slow line would be blocked long after a copy was cancelled
            raise

    def reserve(self, size: int, *, now: float) -> float:
        """Put these bytes at the end of the queue: the seconds until they will have passed."""
        with self._lock:
            self._passed_at = max(self._passed_at, now - _BURST) + size / self._rate
            return self._passed_at - now

    def _give_back(self, size: int) -> None:
        with self._lock:
            self._passed_at -= size / self._rate


_shared: dict[tuple[str, Side, int], Bandwidth] = {}


def bandwidth_of(registry: str, *, side: Side, rate: int | None) -> Bandwidth | None:
    """The one limit of this registry in this process, for what comes from it as a source or goes to it as a target.

    rate: bytes per second; None for no limit.
    """
    if rate is None:
        return None
    return _shared.setdefault((registry, side, rate), Bandwidth(rate))
