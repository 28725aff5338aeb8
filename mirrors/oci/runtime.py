"""Runs the engine from code that is not asynchronous, on the fastest event loop that is installed."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
# malloc.h of glibc.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of the coroutine, on uvloop where that can be imported."""
    _keep_buffers()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


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
