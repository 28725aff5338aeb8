"""Runs commands one after another and says what they cost: `python -I -S launcher.py JOB.json`.

A small process of its own, because a child's peak memory (ru_maxrss) is at least that of the process that starts it,
and the benchmarks' own is large. Its nine or so MB are the least that can be measured. No imports beyond the standard
library's small ones, for the same reason.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time

_FAILED_TO_START = 127


def run(command: list[str], environment: dict[str, str], log: int) -> int:
    """One command to its end; its exit code. Its output goes to the log."""
    actions = [(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
    try:
        pid = os.posix_spawnp(command[0], command, environment, file_actions=actions)
    except OSError as error:
        os.write(log, f"{command[0]}: {error}\n".encode())
        return _FAILED_TO_START
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(path: str) -> None:
    """Read the job (commands, environment, log), run it, and print the cost of all its processes as JSON."""
    with open(path, encoding="utf-8") as file:
        job = json.load(file)
    environment = {**os.environ, **job["environment"]}
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    started, code = time.monotonic(), 0
    for command in job["commands"]:
        code = run(command, environment, log)
        if code:
            break
    wall = time.monotonic() - started
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = {
        "code": code,
        "wall": wall,
        "user": usage.ru_utime,
        "system": usage.ru_stime,
        "peak": usage.ru_maxrss * 1024,
    }
    print(json.dumps(cost))


if __name__ == "__main__":
    main(sys.argv[1])
