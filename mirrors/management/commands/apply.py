"""`manage.py apply -f FILE|DIRECTORY|- [--dry-run]`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from mirrors.errors import InvalidInput
from mirrors.management.command import MirrorfarmCommand, acting_user
from mirrors.services import declarations
from mirrors.services.declarations import Action, Applied
from mirrors.services.logs.log_entries import acting

SUFFIXES = (".yaml", ".yml", ".json")
WORDS = {
    Action.CREATED: ("created", "would be created"),
    Action.CHANGED: ("changed", "would be changed"),
    Action.UNCHANGED: ("unchanged", "unchanged"),
    Action.FAILED: ("failed", "would fail"),
}


class Command(MirrorfarmCommand):
    """Bring organizations, robots, repositories and mirrors to what files declare."""

    help = "Apply custom resources of the Quay API operator: what is declared is made or changed, nothing is removed."

    def add_arguments(self, parser: CommandParser) -> None:
        """What, and whether for real."""
        parser.add_argument(
            "-f",
            "--filename",
            action="append",
            required=True,
            metavar="FILE",
            help="a YAML or JSON file, a directory of them, or - for standard input; may be given several times",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument("--by", metavar="USER", help="who does it (default: the first administrator)")

    def handle(self, *_: Any, **options: Any) -> None:
        """Apply, and say what became of each document; exit status 1 where one has failed."""
        user, dry_run = acting_user(options["by"]), options["dry_run"]
        raw = [document for name in options["filename"] for document in _documents(name)]
        documents = declarations.documents_of(raw, environment=os.environ.get)
        with acting(user):
            results = declarations.apply(documents, rights=declarations.Rights(user), dry_run=dry_run)
        for result in results:
            self._tell(result, dry_run=dry_run)
        self._print(_summary(results, dry_run=dry_run))
        if any(result.action is Action.FAILED for result in results):
            sys.exit(1)

    def _tell(self, result: Applied, *, dry_run: bool) -> None:
        self._print(f"{result.kind} {result.name}: {WORDS[result.action][dry_run]}")
        if result.error:
            self._print(f"  {f'{result.error_field}: ' if result.error_field else ''}{result.error}")
        for difference in result.differences:
            before = f"{_shown(difference.before)} -> " if result.action is Action.CHANGED else ""
            self._print(f"  {difference.field}: {before}{_shown(difference.after)}")
        for note in result.notes:
            self._print(f"  {note}")

    def _print(self, text: str) -> None:
        self.console().print(text, markup=False, soft_wrap=True)


def _documents(name: str) -> Iterator[Any]:
    """The documents of a file, of all files of a directory by name, or of standard input."""
    if name == "-":
        yield from declarations.read_yaml(sys.stdin.buffer.read())
        return
    path = Path(name)
    files = sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES) if path.is_dir() else [path]
    if not files:
        raise InvalidInput(f"{name} has no files that end in {', '.join(SUFFIXES)}.")
    for file in files:
        read = declarations.read_json if file.suffix == ".json" else declarations.read_yaml
        try:
            yield from read(file.read_bytes())
        except InvalidInput as error:
            raise InvalidInput(f"{file}: {error.message}", field=error.field) from error


def _shown(value: Any) -> str:
    return "not set" if value is None else str(value)


def _summary(results: list[Applied], *, dry_run: bool) -> str:
    counts = [
        f"{number} {WORDS[action][dry_run]}"
        for action in Action
        if (number := sum(1 for result in results if result.action is action))
    ]
    return f"{', '.join(counts) or 'Nothing was declared'}.{' Nothing was written.' if dry_run else ''}"
