"""Commands as a shell runs them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from mirrors.models import User


@dataclass(frozen=True)
class Ran:
    """What a command left behind; `said` and `refused` are standard output and standard error."""

    status: int
    said: str
    refused: str


@pytest.fixture
def run(transactional_db: None, rung: list[int], capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """`run("mirror", "list")`: the command with its exit status, in this process."""

    def run(name: str, *arguments: str) -> Ran:
        command = importlib.import_module(f"mirrors.management.commands.{name}").Command()
        capsys.readouterr()
        try:
            command.run_from_argv(["manage.py", name, *arguments])
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        said, refused = capsys.readouterr()
        return Ran(status, said, refused.strip())

    return run


@pytest.fixture
def administrator(transactional_db: None) -> User:
    """The first superuser, who acts."""
    return User.objects.create_superuser("admin")
