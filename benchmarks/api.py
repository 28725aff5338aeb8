"""How fast the API's lists are on a large farm: `python -m benchmarks.api`, on SQLite and, where it is installed,
PostgreSQL. The goal: 50 ms each at 10,000 mirrors.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.databases import opened_postgres, postgres_directory
from benchmarks.errors import NotMeasurable
from benchmarks.measure import ROOT

GOAL = 50.0
"""Milliseconds, of the median."""
_WIDTH = 150
_NUMBERS = ("kB", "queries", "CPU ms", "median ms", "p95 ms")


@dataclass(frozen=True)
class Answer:
    """What an address took on one database. median, p95: milliseconds; cpu: the same of this process, the mean."""

    database: str
    address: str
    account: str
    status: str
    bytes: int
    queries: int
    cpu: float
    median: float
    p95: float

    @property
    def is_reached(self) -> bool:
        """Whether it answered, and fast enough."""
        return self.median <= GOAL and self.status[:3] in ("200", "503")  # of a farm's health, 503 is an answer


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show, and say by the exit code whether all goals are reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    databases = ("sqlite", "postgresql")
    parser.add_argument("--mirrors", type=int, default=10_000, help="size of the farm (default 10000)")
    parser.add_argument("--rounds", type=int, default=40, help="requests to each address (default 40)")
    parser.add_argument("--database", nargs="+", choices=databases, default=databases, help="(default both)")
    parser.add_argument("--markdown", type=Path, metavar="FILE.md", help="write the table for the documentation")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    try:
        answers = [
            answer for name in options.database for answer in _measured(name, options.mirrors, options.rounds, console)
        ]
    except NotMeasurable as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _show(answers, console)
    if options.markdown:
        options.markdown.write_text(_markdown(answers), encoding="utf-8")
    return 0 if all(answer.is_reached for answer in answers) else 2


def _measured(database: str, mirrors: int, rounds: int, console: Console) -> Iterator[Answer]:
    programs = postgres_directory()
    if database == "sqlite":
        yield from _of_process("SQLite", mirrors, rounds, {})
    elif programs:
        with opened_postgres(programs) as url:
            more = {"DATABASE_URL": url, "BROKER_URL": "redis://127.0.0.1:9/0", "SECRET_KEY": "benchmark" * 8}
            more["ENCRYPTION_KEYS"] = "bWlycm9yZmFybS1iZW5jaG1hcmsta2V5LTMyLWJ5dGU="
            yield from _of_process("PostgreSQL", mirrors, rounds, more)
    else:
        console.print("PostgreSQL: left out, it is not installed.", style="yellow")


def _of_process(database: str, mirrors: int, rounds: int, more: dict[str, str]) -> Iterator[Answer]:
    with tempfile.TemporaryDirectory(prefix="mirrorfarm-benchmark-") as directory:
        settings = {
            "DATA_DIR": directory,
            "DJANGO_SETTINGS_MODULE": "mirrorfarm.settings",
            "LOG_LEVEL": "ERROR",
            "ALLOWED_HOSTS": "*",
        }
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV")}
        command = [sys.executable, "-m", "benchmarks.api_process", str(mirrors), str(rounds)]
        process = subprocess.run(
            command, cwd=ROOT, check=False, capture_output=True, text=True, env=kept | settings | more
        )
    if process.returncode:
        raise NotMeasurable(f"{database} could not be measured: {(process.stdout + process.stderr)[-2000:].strip()}")
    for line in process.stdout.splitlines():
        yield Answer(database=database, **json.loads(line))


def _show(answers: Sequence[Answer], console: Console) -> None:
    table = Table(title=f"The API's lists; the goal is {GOAL:.0f} ms", title_justify="left", box=None, pad_edge=False)
    for column in ("database", "address", "as", "status", *_NUMBERS, ""):
        table.add_column(column, justify="right" if column in _NUMBERS else "left")
    for each in answers:
        verdict = "[green]reached[/green]" if each.is_reached else "[red]not reached[/red]"
        table.add_row(each.database, *_row(each), verdict)
    console.print(table)


def _markdown(answers: Sequence[Answer]) -> str:
    lines = [
        "| database | address | as | status | kB | queries | CPU ms | median ms | p95 ms | |",
        "|---|---|---|---|--:|--:|--:|--:|--:|---|",
    ]
    for each in answers:
        verdict = "reached" if each.is_reached else "**not reached**"
        lines.append(f"| {each.database} | {' | '.join(_row(each))} | {verdict} |")
    return "\n".join(lines) + "\n"


def _row(answer: Answer) -> tuple[str, ...]:
    times = (f"{each:.1f}" for each in (answer.cpu, answer.median, answer.p95))
    size = f"{answer.bytes / 1000:.1f}"
    return (
        answer.address.removeprefix("/api/v1"),
        answer.account,
        answer.status[:3],
        size,
        str(answer.queries),
        *times,
    )


if __name__ == "__main__":
    sys.exit(main())
