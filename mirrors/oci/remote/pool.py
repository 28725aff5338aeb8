"""Lends clients to one piece of work after another, with their connections, tokens and what they have learned."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mirrors.oci.remote.client import RegistryClient

IDLE = 30.0
MOST_IDLE = 8
LONGEST_LIFE = 600.0


@dataclass(eq=False, slots=True)
class _Kept:
    client: RegistryClient
    made_at: float
    borrowers: int = 0


class ClientPool:
    """Clients by key, each for as many borrowers at once as there are.

    home: gives the event loop that all of them live in, None while there is none; whoever borrows in another one gets
    a client to himself. idle: seconds until a client that nobody has borrowed is closed. most_idle: how many of those
    are kept; the one that has waited longest goes first. longest_life: seconds after which a client is lent no more,
    so that what it has learned (no TLS, small chunks, few requests at once) is found out again.
    """

    def __init__(
        self,
        home: Callable[[], asyncio.AbstractEventLoop | None],
        *,
        idle: float = IDLE,
        most_idle: int = MOST_IDLE,
        longest_life: float = LONGEST_LIFE,
    ) -> None:
        self._home = home
        self._idle_seconds = idle
        self._most_idle = most_idle
        self._longest_life = longest_life
        self._abandoned: list[dict[Hashable, _Kept]] = []
        self._settle_in(None)

    @asynccontextmanager
    async def lent(self, key: Hashable, make: Callable[[], RegistryClient]) -> AsyncIterator[RegistryClient]:
        """The client of this key; where there is none, what `make` gives, whose errors come out of here.

        key: all that makes one client different from another, above all whose credentials it sends.
        """
        if not self._is_at_home():
            async with make() as client:
                yield client
            return
        kept = await self._borrow(key, make)
        try:
            yield kept.client
        finally:
            self._take_back(key, kept)

    async def close(self) -> None:
        """Close all that nobody has borrowed, and the others as soon as they come back."""
        if not self._is_at_home():
            return
        for key in list(self._kept):
            self._retire(key)
        while self._closing:
            await asyncio.wait(self._closing)

    def _is_at_home(self) -> bool:
        running = asyncio.get_running_loop()
        if running is not self._home():
            return False
        if running is not self._loop:
            self._settle_in(running)
        return True

    def _settle_in(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Begin afresh. Clients of a former loop cannot be closed any more; after a fork they are the parent's.

        They stay referenced: when they are collected, they would end the connections of that process.
        """
        if loop is not None:
            self._abandoned.append(self._kept)
        self._loop = loop
        self._kept: dict[Hashable, _Kept] = {}
        self._idle: dict[Hashable, asyncio.TimerHandle] = {}  # who has waited longest comes first
        self._closing: set[asyncio.Task[None]] = set()
        self._making = asyncio.Lock()

    async def _borrow(self, key: Hashable, make: Callable[[], RegistryClient]) -> _Kept:
        async with self._making:
            if key in self._kept and time.monotonic() - self._kept[key].made_at >= self._longest_life:
                self._retire(key)
            if key not in self._kept:
                self._kept[key] = _Kept(await make().__aenter__(), time.monotonic())
            kept = self._kept[key]
            kept.borrowers += 1
            if timer := self._idle.pop(key, None):
                timer.cancel()
            return kept

    def _take_back(self, key: Hashable, kept: _Kept) -> None:
        kept.borrowers -= 1
        if self._kept.get(key) is kept and kept.client.was_refused:
            del self._kept[key]  # what is permitted meanwhile must count at once
        if kept.borrowers:
            return
        if self._kept.get(key) is not kept:
            self._close(kept)
            return
        self._idle[key] = asyncio.get_running_loop().call_later(self._idle_seconds, self._retire, key)
        if len(self._idle) > self._most_idle:
            self._retire(next(iter(self._idle)))

    def _retire(self, key: Hashable) -> None:
        """Lend it to nobody else."""
        kept = self._kept.pop(key)
        if timer := self._idle.pop(key, None):
            timer.cancel()
        if not kept.borrowers:
            self._close(kept)

    def _close(self, kept: _Kept) -> None:
        task = asyncio.ensure_future(kept.client.__aexit__())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
