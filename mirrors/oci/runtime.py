"""Runs the engine from code that is not asynchronous, on the fastest event loop that is installed."""

from __future__ import annotations

import asyncio
import ctypes
import functools
import gc
import os
import queue
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
# malloc.h of glibc.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LONGEST_WAIT = 0.5
"""Seconds in which a signal's handler has its turn."""
_GARBAGE_AT = 20_000
"""Objects made and kept before the garbage collector looks for cycles among them."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of the coroutine, on uvloop where that can be imported."""
    _prepare_process()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


def run_in_background(work: Coroutine[Any, Any, T]) -> T:
    """The result of the coroutine, which runs in an event loop that lives on, so that connections can outlive the work.

    It is one loop in each process, in a thread of its own. Whatever is raised here meanwhile, such as KeyboardInterrupt
    or a time limit, cancels the work and goes on when that has ended. RuntimeError inside of an event loop.
    """
    if asyncio._get_running_loop() is not None:
        work.close()
        raise RuntimeError("an event loop cannot wait for another one: await the coroutine")
    loop = _background.started()
    # What Event and Condition are made of breaks where a signal's handler raises in the middle of it.
    ended: queue.SimpleQueue[object] = queue.SimpleQueue()
    begun: list[asyncio.Task[T]] = []

    def begin() -> None:
        begun.append(loop.create_task(work))
        begun[0].add_done_callback(ended.put)

    try:
        loop.call_soon_threadsafe(begin)
        _wait_for(ended)
    except BaseException:  # an interrupt of whoever waits: the work must not go on without them; raised again
        loop.call_soon_threadsafe(_give_up, work, begun, ended)
        _wait_for(ended)
        raise
    return begun.pop().result()


def background_loop() -> asyncio.AbstractEventLoop | None:
    """The loop of `run_in_background` in this process, if it has been needed yet."""
    return _background.loop


def _wait_for(ended: queue.SimpleQueue[object]) -> None:
    """Until there is something in it. A signal that comes just before a wait interrupts only the next one."""
    while True:
        with suppress(queue.Empty):
            ended.get(timeout=_LONGEST_WAIT)
            return


def _give_up(work: Coroutine[Any, Any, Any], begun: list[asyncio.Task[Any]], ended: queue.SimpleQueue[object]) -> None:
    if not begun:  # the interruption came before the loop was told
        work.close()
        ended.put(None)
        return
    begun[0].add_done_callback(lambda task: task.cancelled() or task.exception())  # nobody asks: no complaint of that
    begun[0].add_done_callback(ended.put)  # once more: the first time may have been when the interruption came
    begun[0].cancel()


class _Background:
    """An event loop in a daemon thread, started by the first work, and anew in a forked process."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._of_parents: list[asyncio.AbstractEventLoop | None] = []

    def started(self) -> asyncio.AbstractEventLoop:
        """The loop."""
        with self._lock:
            if self.loop is None:
                _prepare_process()
                self.loop = (_loop_factory() or asyncio.new_event_loop)()
                threading.Thread(target=_turn, args=(self.loop,), name="registry connections", daemon=True).start()
            return self.loop

    def forget(self) -> None:
        """In a new process, where the thread is not. The loop is kept, for its end would touch the parent's files."""
        self._of_parents.append(self.loop)
        self.loop = None
        self._lock = threading.Lock()


_background = _Background()
os.register_at_fork(after_in_child=_background.forget)


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    while True:
        with suppress(SystemExit, KeyboardInterrupt):  # of some work: it is told there, and others go on
            loop.run_forever()


@functools.cache
def _prepare_process() -> None:
    _keep_buffers()
    _collect_less_often()


def _collect_less_often() -> None:
    """Have the garbage collector leave alone what was there before, and look less often at the rest.

    A request makes hundreds of objects and no cycles; to look at them over and over was a fifteenth of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(max(_GARBAGE_AT, gc.get_threshold()[0]), *gc.get_threshold()[1:])


def _keep_buffers() -> None:
    """Have glibc keep the memory of chunks for the next ones; a fifth of the CPU of a stream went into page faults.

    By default each buffer over 128 KiB is mapped and unmapped by the kernel, and the heap's free end is given back.
    Elsewhere (musl, macOS) nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    mallopt(_M_MMAP_THRESHOLD, 8 << 20)
    mallopt(_M_TRIM_THRESHOLD, 16 << 20)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
