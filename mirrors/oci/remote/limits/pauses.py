"""One wait per host: whoever is told to pause by a host, all others who ask that host wait with it."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Mapping

LONGEST_PAUSE = 3600.0
"""Seconds of a shared pause at most: what one answer says must not keep everybody from a host for days."""
_MOST_SPREAD = 5.0
_LOOK_AGAIN = 1.0  # seconds after which those who wait see that their pause was lifted


class HostPauses:
    """Until when each host wants to be left alone. Small, in memory; threads and event loops may share it.

    hosts: `host[:port]` as `host_and_port` writes it, of registries, token services and storage alike; with ` via …`
    behind a proxy, with ` as …` for one account.
    """

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def are_under_way(self) -> bool:
        """Whether any host is to be left alone, or was a moment ago."""
        return bool(self._ends)

    def __contains__(self, host: str) -> bool:
        return host in self._ends

    def pause(self, host: str, *, seconds: float) -> None:
        """Nobody asks this host for that long; a longer pause that is under way stays."""
        if seconds <= 0:
            return
        end = time.monotonic() + min(seconds, LONGEST_PAUSE)
        with self._lock:
            self._ends[host] = max(end, self._ends.get(host, end))

    def lift(self, host: str) -> None:
        """Ask this host again at once: somebody knows better."""
        with self._lock:
            self._ends.pop(host, None)

    def remaining(self, host: str) -> float:
        """Seconds that this host is still to be left alone; 0 without a pause."""
        end = self._ends.get(host)
        if end is None:
            return 0.0
        rest = end - time.monotonic()
        if rest <= 0:
            self._forget(host, end=end)
        return max(0.0, rest)

    async def wait(self, host: str, *, patience: float) -> float:
        """Sleep until the host may be asked again. Returns 0.0, or at once the seconds, where they exceed `patience`.

        Nobody wakes up in lockstep with the others: wake-ups are spread over a quarter of the pause.
        """
        spread = random.uniform(0, min(_MOST_SPREAD, self.remaining(host) / 4))  # noqa: S311 - jitter
        while rest := self.remaining(host):
            if rest > patience:
                return rest
            await asyncio.sleep(_LOOK_AGAIN if rest > _LOOK_AGAIN else rest + spread)
        return 0.0

    def snapshot(self) -> dict[str, float]:
        """The pauses under way, with the moment each ends in seconds since 1970, to be shared with other processes."""
        offset = time.time() - time.monotonic()
        return {host: end + offset for host, end in list(self._ends.items()) if self.remaining(host)}

    def merge(self, ends: Mapping[str, float]) -> None:
        """Take in the snapshot of another process; of two pauses of a host the longer counts."""
        now = time.time()
        for host, end in ends.items():
            self.pause(host, seconds=end - now)

    def _forget(self, host: str, *, end: float) -> None:
        with self._lock:
            if self._ends.get(host) == end:
                del self._ends[host]


PROCESS_PAUSES = HostPauses()
"""What the clients of this process share, unless they are given their own."""
