"""Ends what a killed supervisor has left running: `python -m mirrors.management.watchdog`, run by `supervisor.py`.

Its standard input is a pipe from the supervisor: `+N` says that process group N was started, `-N` that it has ended.
The pipe closes when the supervisor ends, however it ends, and kill -9 is no exception; a signal of our own on the
parent's death (Linux' PR_SET_PDEATHSIG) would reach the children only, and not the processes that they started.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE = 5.0


def remaining_groups(lines: Iterable[str]) -> list[int]:
    """Read until the supervisor ends: the process groups that it did not end itself, in the order of their start."""
    groups: list[int] = []
    for line in lines:
        group = int(line[1:])
        if line.startswith("+"):
            groups.append(group)
        elif group in groups:
            groups.remove(group)
    return groups


def end_groups(groups: list[int]) -> None:
    """SIGTERM to all, and SIGKILL to those that are still there after GRACE."""
    deadline = time.monotonic() + GRACE
    remaining = [group for group in groups if signal_group(group, signal.SIGTERM)]
    while remaining and time.monotonic() < deadline:
        time.sleep(0.1)
        remaining = [group for group in remaining if signal_group(group, 0)]
    for group in remaining:
        signal_group(group, signal.SIGKILL)


def signal_group(group: int, number: int) -> bool:
    """Signal a whole process group. False: it has ended."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # what macOS answers for a group of zombies
        return False
    return True


if __name__ == "__main__":
    end_groups(remaining_groups(sys.stdin))
