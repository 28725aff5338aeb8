"""How many calls of a kind may take long at the same time, so that a process has threads left for all others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mirrors.api.errors import Busy


class Seats:
    """So many in each process. what: names those who sit there, as in `connection tests`."""

    def __init__(self, most: int, *, what: str, retry_after: int) -> None:
        self.most = most
        self._what = what
        self._retry_after = retry_after
        self._free = threading.BoundedSemaphore(most)

    def take(self) -> None:
        """One of them, to be given back; raises Busy where none is left."""
        if not self._free.acquire(blocking=False):
            raise Busy(
                f"{self.most} {self._what} are under way already. Try again in {self._retry_after} seconds.",
                retry_after=self._retry_after,
            )

    def give_back(self) -> None:
        """It is free again."""
        self._free.release()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """One of them for as long as this lasts."""
        self.take()
        try:
            yield
        finally:
            self.give_back()
