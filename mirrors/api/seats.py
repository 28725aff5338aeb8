"""How many calls of a kind may take long at the same time, so that a process has threads left for all others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from mirrors.api.errors import Busy

Chunk = TypeVar("Chunk")
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


class Seated(Generic[Chunk]):
    """The chunks of a streamed answer, whose place is free again at their end, or when the client has gone.

    Not a generator: one that was never asked for its first chunk closes without a word. give_back: called once.
    """

    def __init__(self, chunks: Iterator[Chunk], *, give_back: Callable[[], None]) -> None:
        self._chunks = chunks
        self._give_back: Callable[[], None] | None = give_back

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        try:
            return next(self._chunks)
        except BaseException:  # the end too: whatever it is, the place is free again
            self.close()
            raise

    def close(self) -> None:
        """The client has gone, or everything has been said."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()
