"""Two small pieces of structured concurrency that the copy is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


async def run_all(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All of them at once, results in order. The first failure cancels and awaits the rest, then is raised itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as failures:
        raise first_failure(failures) from None
    return [task.result() for task in tasks]


async def uninterrupted(work: Coroutine[Any, Any, T], *, patience: float = 2.0) -> T:
    """The result of work that a cancel does not break off: the cancel is raised once it has ended.

    patience: seconds that it has left when the cancel comes; a peer that is silent must not hold a cancel up for long.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=patience)
        task.cancel()
        await asyncio.wait([task])
        raise


def first_failure(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first exception of a group that is no group itself."""
    first = group.exceptions[0]
    return first_failure(first) if isinstance(first, BaseExceptionGroup) else first


@dataclass
class _Entry(Generic[T]):
    task: asyncio.Task[T]
    waiters: int = 0


class Once(Generic[T]):
    """Does each piece of work at most once, however many ask for it; all of them get its result or its failure.

    Work that nobody waits for any more is cancelled, and starts afresh for whoever asks next.
    """

    def __init__(self) -> None:
        self._entries: dict[Hashable, _Entry[T]] = {}
        self._results: dict[Hashable, T] = {}
        self._running: set[asyncio.Task[T]] = set()

    async def __call__(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the work with this key, which is started if it has not been."""
        if key in self._results:
            return self._results[key]
        entry = self._join(key, work)
        try:
            result = await asyncio.shield(entry.task)
        finally:
            self._leave(key, entry)
        self._keep(key, result)
        return result

    async def all(self, works: Mapping[Hashable, Callable[[], Coroutine[Any, Any, T]]]) -> None:
        """The same for several at once, without a task for each wait. The first failure is raised at once."""
        entries = {key: self._join(key, work) for key, work in works.items() if key not in self._results}
        if not entries:
            return
        tasks = [entry.task for entry in entries.values()]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in sorted(tasks, key=_has_failed, reverse=True):
                task.result()
        finally:
            for key, entry in entries.items():
                self._leave(key, entry)
        for key, entry in entries.items():
            self._keep(key, entry.task.result())

    def _join(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> _Entry[T]:
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(self._start(work()))
        entry.waiters += 1
        return entry

    def _leave(self, key: Hashable, entry: _Entry[T]) -> None:
        entry.waiters -= 1
        if entry.waiters == 0 and not entry.task.done():
            entry.task.cancel()
            self._entries.pop(key, None)

    def _keep(self, key: Hashable, result: T) -> None:
        """A task takes a kilobyte, and a run of 5 000 signed tags has 35 000 of them."""
        self._results[key] = result
        self._entries.pop(key, None)

    async def close(self) -> None:
        """Cancel what still runs and wait for its end."""
        for task in self._running:
            if not task.cancelling():  # a second time would interrupt what it does to tidy up
                task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[T]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen, even if every waiter was cancelled meanwhile


def _has_failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


class Together(Once[T]):
    """Does each piece of work once for all who ask while it is under way, and forgets it when it has ended."""

    async def __call__(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the work with this key that is under way, or is started now."""
        try:
            return await super().__call__(key, work)
        finally:
            entry = self._entries.get(key)
            if entry is not None and entry.task.done():
                del self._entries[key]

    def _keep(self, key: Hashable, result: T) -> None:
        """Nothing is kept."""
