"""Server-sent events of a sync's progress, for a server whose every stream takes a thread (WHATWG HTML, section 9.2).

Between two looks no database connection is held, and nothing but this thread is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from mirrors.api.seats import Seated, Seats

SEATS = Seats(4, what="streams of progress", retry_after=10)
PERIOD_SECONDS = 1.0
SILENCE_SECONDS = 2.0  # only who is told something can be found to have gone
LONGEST_SECONDS = 300.0
RETRY_MILLISECONDS = 3000

Body = dict[str, Any]


class ProgressStream(Seated[bytes]):
    """The events of one answer. look: what is true now, None where there is nothing to be seen any more."""

    def __init__(self, look: Callable[[], Body | None], *, give_back: Callable[[], None]) -> None:
        super().__init__(self._events(), give_back=give_back)
        self._look = look

    def _events(self) -> Iterator[bytes]:
        yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
        started = spoken = time.monotonic()
        said: Body | None = None
        while time.monotonic() - started < LONGEST_SECONDS:
            body = self._seen()
            if body is None:
                yield _event("end", {"reason": "gone"})
                return
            now = time.monotonic()
            if body != said:
                yield _event("progress", body)
                said, spoken = body, now
            elif now - spoken >= SILENCE_SECONDS:
                yield b": still here\n\n"
                spoken = now
            if not body["is_active"]:
                yield _event("end", {"reason": "idle"})
                return
            time.sleep(PERIOD_SECONDS)
        yield _event("end", {"reason": "time"})

    def _seen(self) -> Body | None:
        try:
            return self._look()
        except (DatabaseError, InterfaceError):  # the client asks again, and is told then
            return None
        finally:
            connection.close()


def _event(kind: str, data: Body) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()
