"""How many requests one host gets at the same time: as many as it bears.

The rule is TCP's (RFC 5681): the limit doubles with each round of answers until the host first complains, grows by one
a round from then on, and is halved by a complaint: 429, 503, a connection reset, or no answer in time. Complaints about
requests that left before the last cut are about the same crowd and count once. It grows only while it is used
(RFC 7661), so that a quiet hour earns nothing.

Latency counts too, as in Vegas and in Netflix's concurrency-limits: a host that answers ever more slowly has a queue.
Only HEADs are measured, because they are alike; what a GET takes depends on what is got, and what a PUT takes on the
disk behind it. The mean of a round must be four times the best seen and a quarter of a second beyond it, so neither
our own event loop nor the queue of a busy near registry counts. The cut is a tenth, never goes below four, and lets the
best drift up by a quarter: a host that is slow whatever we do, as one on a slow disk, gets its requests back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

START = 16
_LEAST_FOR_LATENCY = 4.0
_LATENCY_RATIO = 4.0
_LATENCY_EXCESS = 0.25
_LATENCY_CUT = 0.9
_DRIFT = 1.25
_at_once: ContextVar[bool] = ContextVar("_at_once", default=False)


@contextmanager
def without_queueing() -> Iterator[None]:
    """Whatever is asked in here gets its place at once, beyond the limit if need be.

    For who keeps a place of one host while waiting for another host's: two of them could wait for each other for ever.
    """
    token = _at_once.set(True)
    try:
        yield
    finally:
        _at_once.reset(token)


class AdaptiveLimit:
    """The places for requests to one host. ceiling: what it never exceeds. For one event loop."""

    __slots__ = ("_best", "_ceiling", "_count", "_cut_at", "_doubling", "_in_flight", "_limit", "_sum", "_waiting")

    def __init__(self, ceiling: int) -> None:
        self._ceiling = float(max(1, ceiling))
        self._limit = min(float(START), self._ceiling)
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._doubling = True
        self._cut_at = 0.0
        self._best = float("inf")
        self._sum = 0.0
        self._count = 0

    @property
    def places(self) -> int:
        """How many requests may be under way now."""
        return int(self._limit)

    @property
    def in_flight(self) -> int:
        """How many are."""
        return self._in_flight

    async def take(self) -> None:
        """Wait for a place, first come, first served; give it back by `release`."""
        if _at_once.get() or (self._in_flight + 1 <= self._limit and not self._waiting):
            self._in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()  # the place came together with the cancel
            raise

    def release(self) -> None:
        """Give a place back."""
        self._in_flight -= 1
        if self._waiting:
            self._admit()

    def answered(self, seconds: float | None) -> None:
        """The host has answered as it should. seconds: how long a HEAD took; None for anything else."""
        if self._limit < self._ceiling and 2 * self._in_flight > self._limit:
            self._limit = min(self._ceiling, self._limit + (1.0 if self._doubling else 1.0 / self._limit))
            if self._waiting:
                self._admit()
        if seconds is not None:
            self._measure(seconds)

    def refused(self, *, started: float, now: float) -> None:
        """The host has too much to do: a 429, a 503, a reset or a timeout of a request that left at `started`."""
        if started < self._cut_at:
            return
        self._cut_at = now
        self._doubling = False
        self._limit = max(1.0, self._limit / 2)

    def _measure(self, seconds: float) -> None:
        self._sum += seconds
        self._count += 1
        if seconds < self._best:
            self._best = seconds
        if self._count < START or self._count < self._limit:
            return
        mean = self._sum / self._count
        self._sum, self._count = 0.0, 0
        if mean > _LATENCY_RATIO * self._best and mean > self._best + _LATENCY_EXCESS:
            self._doubling = False
            self._limit = min(self._limit, max(_LEAST_FOR_LATENCY, self._limit * _LATENCY_CUT))
            self._best *= _DRIFT

    def _admit(self) -> None:
        while self._waiting and self._in_flight + 1 <= self._limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)
