"""Real processes under the supervisor: restarted, stopped in order, and never left behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mirrors.errors import AlreadyExists
from mirrors.management.run_lock import only_one
from mirrors.management.supervisor import Service, Supervisor
from tests.fixtures.processes import ROOT
from tests.fixtures.waiting import wait_until


class Watched:
    """A supervisor whose log can be read."""

    def __init__(self, held: int) -> None:
        self.output = io.StringIO()
        console = Console(file=self.output, width=200)
        self.supervisor = Supervisor(console=console, directory=ROOT, held_until_all_ended=held)

    def wait_for(self, text: str, *, count: int = 1) -> str:
        wait_until(lambda: self.log.count(text) >= count, 15, lambda: f"{text!r} {count} times in:\n{self.log}")
        return self.log

    @property
    def log(self) -> str:
        return self.output.getvalue()


@pytest.fixture
def watched() -> Iterator[Watched]:
    with tempfile.TemporaryFile() as held:
        watched = Watched(held.fileno())
        yield watched
        watched.supervisor.stop()


def python(name: str, code: str, **options: Any) -> Service:
    return Service(name, [sys.executable, "-c", code], **options)


SLEEP = "import os, time; print('pid', os.getpid()); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(600)"


def pids(log: str) -> list[int]:
    return [int(line.rpartition("pid ")[2]) for line in log.splitlines() if "pid " in line]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_each_line_is_passed_on_behind_the_name_of_its_process(watched: Watched) -> None:
    watched.supervisor.start(python("web", "print('one\\x1b[2J'); print('muted'); print('two')", muted=("muted",)))
    log = watched.wait_for("two")
    assert "web         | one[2J\n" in log
    assert "muted" not in log


def test_a_process_that_ends_is_started_again_and_said_so(watched: Watched) -> None:
    watched.supervisor.start(python("web", "import sys; sys.exit(3)"))
    log = watched.wait_for("starting it again", count=2)
    assert "web ended with exit code 3; starting it again in 1 s." in log
    assert "starting it again in 2 s." in log


def test_a_killed_process_is_started_again(watched: Watched) -> None:
    watched.supervisor.start(python("web", SLEEP))
    os.kill(pids(watched.wait_for("pid "))[0], signal.SIGKILL)
    log = watched.wait_for("pid ", count=2)
    assert "web was ended by signal 9 (Killed); starting it again in 1 s." in log


def test_what_starts_last_stops_first_and_the_deaf_are_killed(watched: Watched) -> None:
    watched.supervisor.start(python("broker", SLEEP))
    watched.supervisor.start(python("worker", STUBBORN, grace=0.5))
    watched.supervisor.start(python("web", SLEEP), python("beat", SLEEP))
    watched.wait_for("deaf")
    watched.wait_for("pid ", count=3)

    watched.supervisor.stop()

    stops = [line for line in watched.log.splitlines() if "Stopping" in line]
    assert [line.partition("Stopping ")[2] for line in stops] == ["web, beat ...", "worker ...", "broker ..."]
    assert not any(is_alive(pid) for pid in pids(watched.log))
    assert "starting it again" not in watched.log


def test_a_process_takes_everything_it_started_with_it(watched: Watched) -> None:
    code = f"import subprocess, sys, os; child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); child.wait()"
    watched.supervisor.start(python("worker", code))
    grandchild = pids(watched.wait_for("pid "))[0]
    watched.supervisor.stop()
    wait_until(lambda: not is_alive(grandchild), 5)


SUPERVISOR = """
import sys, time
from rich.console import Console
from mirrors.management.run_lock import only_one
from mirrors.management.supervisor import Service, Supervisor
from pathlib import Path
from typing import Any
with only_one(Path({directory!r}), say=print) as leftovers:
    supervisor = Supervisor(console=Console(), directory={root!r}, held_until_all_ended=leftovers)
    supervisor.start(Service("web", [sys.executable, "-c", {code!r}]))
    time.sleep(600)
"""


@pytest.fixture
def start_supervisor(tmp_path: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[str], int]]]:
    """Starts a supervisor of one process in a process of its own; gives it and the process id of what it runs."""
    started: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], int]:
        code = SUPERVISOR.format(directory=str(tmp_path), root=str(ROOT), code=SLEEP)
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"COLUMNS": "200"},
        )
        started.append(process)
        assert process.stdout is not None
        line = next(line for line in process.stdout if "pid " in line)
        return process, pids(line)[0]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_killed_supervisor_leaves_nothing_and_the_next_waits_for_that(
    start_supervisor: Callable[[], tuple[subprocess.Popen[str], int]], tmp_path: Path
) -> None:
    supervisor, child = start_supervisor()
    supervisor.kill()
    said: list[str] = []
    with only_one(tmp_path, say=said.append):
        assert not is_alive(child)
    assert said in ([], ["The last run was killed; its processes are being stopped ..."])


def test_a_second_run_in_the_same_directory_is_refused(
    start_supervisor: Callable[[], tuple[subprocess.Popen[str], int]], tmp_path: Path
) -> None:
    supervisor, _ = start_supervisor()
    with (
        pytest.raises(AlreadyExists, match=rf"is running already on .* \(process {supervisor.pid}\)"),
        only_one(tmp_path, say=print),
    ):
        pass
