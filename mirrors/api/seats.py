"""How many calls of a kind may take long at the same time, so that a process has threads left for all others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mirrors.api.errors import Busy

IN_ALL = 6
"""Of the eight threads of a process, the most that all kinds of long calls together may have."""
_free_for_all = threading.BoundedSemaphore(IN_ALL)


class Seats:
    """So many in each process, and no more than IN_ALL with those of other kinds.

    what: names those who sit there, as in `connection tests`.
    """

    def __init__(self, most: int, *, what: str, retry_after: int) -> None:
        self.most = most
        self._what = what
        self._retry_after = retry_after
        self._free = threading.BoundedSemaphore(most)

    def take(self) -> None:
        """One of them, to be given back; raises Busy where none is left."""
        if not self._free.acquire(blocking=False):
            raise self._busy(f"{self.most} {self._what}")
        if not _free_for_all.acquire(blocking=False):
            self._free.release()
            raise self._busy(f"{IN_ALL} calls that take long")

    def give_back(self) -> None:
        """It is free again."""
        _free_for_all.release()
        self._free.release()

    def _busy(self, who: str) -> Busy:
        text = f"{who} are under way already. Try again in {self._retry_after} seconds."
        return Busy(text, retry_after=self._retry_after)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """One of them for as long as this lasts."""
        self.take()
        try:
            yield
        finally:
            self.give_back()
