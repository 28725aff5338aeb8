"""Runs the processes of a farm on one machine: starts them, passes their logs on, restarts them, stops them in order.

All processes are started by one thread, the watcher: signals reach the main thread only, so that Ctrl-C never falls
between starting a process and noting that it was started. Each process leads a session of its own: a Ctrl-C on the
terminal reaches the supervisor alone, and a signal to the group reaches whatever the process has started itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

from mirrors.management.watchdog import signal_group

COLOURS = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan", "bright_green")
LONGEST_PAUSE = 30.0
STEADY_AFTER = 60.0  # a process that ran this long begins again with the shortest pause
TICK = 0.1
LONGEST_LINE = 32 * 1024


@dataclass(frozen=True)
class Service:
    """A process to keep running: its name in the log, its command, what it finds in its environment besides ours."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0  # seconds between the stop signal and SIGKILL
    muted: tuple[str, ...] = ()  # lines with one of these texts in them are worth nobody's attention


class Child:
    """A service and the process that runs it at the moment."""

    def __init__(self, service: Service, *, colour: str) -> None:
        self.service = service
        self.colour = colour
        self.process: subprocess.Popen[bytes] | None = None
        self.start_at = 0.0
        self.started_at = 0.0
        self.pause = 1.0

    def schedule_restart(self) -> None:
        """Set when to start again: after 1, 2, 4 ... seconds."""
        if time.monotonic() - self.started_at > STEADY_AFTER:
            self.pause = 1.0
        self.process = None
        self.start_at = time.monotonic() + self.pause

    def is_due(self) -> bool:
        """Whether it is to be started now."""
        return self.process is None and time.monotonic() >= self.start_at


class Watchdog:
    """The process that ends what is left when the supervisor dies; see `watchdog.py`."""

    def __init__(self, *, directory: Path, holding: int) -> None:
        """holding: a file descriptor that it keeps open until it has finished."""
        ours, self._pipe = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mirrors.management.watchdog"],
            stdin=ours,
            cwd=directory,
            pass_fds=(holding,),
            start_new_session=True,  # so that whoever kills our group leaves it to its work
        )
        os.close(ours)

    def note_start(self, group: int) -> None:
        """This process group runs now."""
        self._tell(f"+{group}\n")

    def note_end(self, group: int) -> None:
        """This process group has ended."""
        self._tell(f"-{group}\n")

    def end(self) -> None:
        """Nothing is left to watch."""
        os.close(self._pipe)
        self._process.wait()

    def _tell(self, line: str) -> None:
        with suppress(BrokenPipeError):  # somebody killed it: everything works but the case that it is for
            os.write(self._pipe, line.encode())


class Supervisor:
    """Keeps services running until it is stopped. Services that are started together are stopped together."""

    def __init__(self, *, console: Console, directory: Path, held_until_all_ended: int) -> None:
        """directory: where the processes run. The file descriptor stays open until none of them is left."""
        self._console = console
        self._directory = directory
        self._stages: list[list[Child]] = []
        self._stopping = threading.Event()
        self._watchdog = Watchdog(directory=directory, holding=held_until_all_ended)
        self._watcher = threading.Thread(target=self._watch, daemon=True, name="supervisor")
        self._watcher.start()

    def start(self, *services: Service) -> None:
        """Have these started, together."""
        count = sum(len(stage) for stage in self._stages)
        colours = (COLOURS[n % len(COLOURS)] for n in range(count, count + len(services)))
        self._stages.append([Child(service, colour=colour) for service, colour in zip(services, colours, strict=True)])

    def stop(self) -> None:
        """Stop everything, the stage started last first. A further KeyboardInterrupt kills what is left at once."""
        if self._stopping.is_set():
            return
        try:
            self._stopping.set()
            self._watcher.join()
            for stage in reversed(self._stages):
                self._stop_stage(stage)
        except KeyboardInterrupt:
            self.say("Killing what is left.")
        finally:
            for stage in self._stages:
                self._kill(stage)
            self._watchdog.end()

    def say(self, text: str, *, style: str = "bold") -> None:
        """A line of the supervisor's own."""
        self._print("mirrorfarm", text, colour="white", style=style)

    def _watch(self) -> None:
        while not self._stopping.wait(TICK):
            for stage in list(self._stages):
                for child in stage:
                    if child.is_due():
                        self._spawn(child)
                    elif child.process is not None and child.process.poll() is not None:
                        self._note_end(child, child.process)

    def _spawn(self, child: Child) -> None:
        service = child.service
        child.started_at = time.monotonic()
        child.process = process = subprocess.Popen(
            list(service.command),
            env={**os.environ, "PYTHONUNBUFFERED": "1", **service.environment},
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._watchdog.note_start(process.pid)
        threading.Thread(target=self._pass_on, args=(child, process), daemon=True).start()

    def _note_end(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        """It ended without being asked to: sweep up what it left, say so, start it again."""
        self._sweep(process)
        child.schedule_restart()
        self.say(
            f"{child.service.name} {_way_to_end(process.returncode)}; starting it again in {child.pause:.0f} s.",
            style="bold red",
        )
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _stop_stage(self, stage: list[Child]) -> None:
        """Ask all of a stage to stop, and wait for each as long as it may take."""
        running = [(child, child.process) for child in stage if child.process and child.process.poll() is None]
        if not running:
            return
        self.say(f"Stopping {', '.join(child.service.name for child, _ in running)} ...", style="dim")
        deadlines = [(process, time.monotonic() + child.service.grace) for child, process in running]
        for child, process in running:
            process.send_signal(child.service.stop_signal)
        for process, deadline in deadlines:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0))
        self._kill(stage)

    def _kill(self, stage: list[Child]) -> None:
        for child in stage:
            if child.process is not None:
                self._sweep(child.process)
                child.process = None

    def _sweep(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the process with everything it has started, if any of it is still there."""
        signal_group(process.pid, signal.SIGKILL)
        process.wait()
        self._watchdog.note_end(process.pid)

    def _pass_on(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        """Print what the process writes, line by line, until it ends."""
        assert process.stdout is not None  # noqa: S101 - it was started with a pipe
        with process.stdout as lines:
            for line in iter(lambda: lines.readline(LONGEST_LINE), b""):
                text = line.decode(errors="replace").rstrip()
                if text and not any(part in text for part in child.service.muted):
                    self._print(child.service.name, text, colour=child.colour)

    def _print(self, name: str, text: str, *, colour: str, style: str = "") -> None:
        # Control characters are left out: what a registry says may end up in a log line, and must not steer a terminal.
        printable = "".join(character for character in text if character.isprintable() or character == "\t")
        line = Text.assemble((f"{name:<12}| ", colour), (printable, style))
        self._console.print(line, soft_wrap=True, highlight=False)


def _way_to_end(returncode: int) -> str:
    if returncode < 0:
        return f"was ended by signal {-returncode} ({signal.strsignal(-returncode)})"
    return f"ended with exit code {returncode}"
