"""Looks names up in threads that nobody has to wait for."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from aiohttp.resolver import ThreadedResolver


def system_resolver() -> ThreadedResolver:
    """The system's resolver for the running loop. A name server that is silent holds up a cancel no longer than that.

    A loop waits at its end for the lookups that it has begun, and the system may take minutes to give one up.
    """
    return ThreadedResolver(_Lookups(asyncio.get_running_loop()))  # type: ignore[arg-type]


class _Lookups:
    """The part of an event loop that the resolver asks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.getnameinfo = loop.getnameinfo  # of numbers only, which asks nobody

    async def getaddrinfo(self, host: str, port: int, **options: Any) -> list[Any]:
        found: asyncio.Future[list[Any]] = self._loop.create_future()

        def look_up() -> None:
            settle: Callable[[], None]
            try:
                settle = partial(found.set_result, socket.getaddrinfo(host, port, **options))
            except (OSError, UnicodeError) as error:  # the second is of names that cannot be written in IDNA
                settle = partial(found.set_exception, error)
            with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
                self._loop.call_soon_threadsafe(lambda: None if found.done() else settle())

        threading.Thread(target=look_up, name=f"lookup of {host}", daemon=True).start()
        return await found
