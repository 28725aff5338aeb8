"""One farm at a time in a data directory: two locks on files, which the system frees when their holders end."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mirrors.errors import AlreadyExists

KILL_TAKES = 1.0  # seconds: a process that has just been killed holds its locks a moment longer
PATIENCE = 30.0


@contextmanager
def only_one(directory: Path, *, say: Callable[[str], None]) -> Iterator[int]:
    """Hold the directory for this process; AlreadyExists while another has it.

    Gives the descriptor of the second lock, which the watchdog inherits: after a kill -9 it is held until the
    processes of the killed run have ended, and we wait for that.
    """
    with _opened(directory / "up.lock") as ours, _opened(directory / "leftovers.lock") as leftovers:
        if not _locked_within(KILL_TAKES, ours):
            process = os.pread(ours, 20, 0).decode(errors="replace").strip() or "unknown"
            raise AlreadyExists(
                f"A farm is running already on {directory.parent} (process {process}). Stop it first, "
                "or give this one a data directory of its own with DATA_DIR=/path and other ports."
            )
        os.ftruncate(ours, 0)
        os.pwrite(ours, str(os.getpid()).encode(), 0)
        _wait_for(leftovers, say=say)
        yield leftovers


def _wait_for(leftovers: int, *, say: Callable[[str], None]) -> None:
    if _lock(leftovers):
        return
    say("The last run was killed; its processes are being stopped ...")
    if not _locked_within(PATIENCE, leftovers):
        raise AlreadyExists(f"Processes of the last run have not ended within {PATIENCE:.0f} s. Try again.")


def _locked_within(seconds: float, descriptor: int) -> bool:
    deadline = time.monotonic() + seconds
    while not _lock(descriptor):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
