"""What Mirrorfarm's commands share: a mistake ends in one sentence and exit status 2, never in a traceback."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, DataError, IntegrityError
from rich.console import Console

from mirrors.errors import MirrorError, NotFound
from mirrors.models import User
from mirrors.models.encryption import DecryptionFailed
from mirrors.services.accounts import people

WIDE = 500  # a pipe or file has no width to fit tables into


class MirrorfarmCommand(BaseCommand):
    """A command that calls services and prints."""

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as the shell asked; `call_command` gets the exceptions themselves."""
        try:
            "".join(argv).encode()  # before a service says of such a name that nobody has it
            super().run_from_argv(argv)
        except MirrorError as error:
            self._refuse(self.sentence(error))
        except DecryptionFailed as error:
            self._refuse(str(error))
        except (DataError, IntegrityError):  # a fault of ours, and not of the database
            raise
        except DatabaseError as error:
            reason, hint = _first_line(error), shell_command("migrate")
            self._refuse(f"The database cannot be used: {reason}. If it is new: {hint}, or make up.")
        except UnicodeEncodeError:  # what Python makes of bytes in an argument that are no text
            self._refuse("An argument holds bytes that are not UTF-8 text: type it again.")
        except BrokenPipeError:  # whoever read our output has had enough
            sys.exit(1)
        except OSError as error:
            place = error.filename or "the output"
            self._refuse(
                f"{place} cannot be used: {error.strerror or error}. May this user write there, and has the disk room?"
            )

    def sentence(self, error: MirrorError) -> str:
        """The error for people at a shell."""
        return error.message

    def console(self) -> Console:
        """Where this command prints."""
        self.stdout.ending = ""  # else every piece of a line that rich writes would end in a newline
        stream: Any = self.stdout
        console = Console(file=stream, highlight=False)
        return console if console.is_terminal else Console(file=stream, highlight=False, width=WIDE)

    def _refuse(self, sentence: str) -> None:
        self.stderr.write(sentence)
        sys.exit(2)


def acting_user(username: str | None) -> User:
    """Who does it: the named user, or the first administrator."""
    if username:
        return people.find_active_person(username)
    administrator = people.find_administrator()
    if administrator is None:
        raise NotFound(f"There is no administrator yet: run make up, or {shell_command('createsuperuser')}.")
    return administrator


def _first_line(error: Exception) -> str:
    """What follows it, from PostgreSQL, is the statement."""
    return str(error).strip().partition("\n")[0].rstrip(".")


def shell_command(arguments: str) -> str:
    """How to call manage.py with this Python from the project's directory, ready to paste."""
    python = Path(sys.executable)
    if python.is_relative_to(settings.BASE_DIR):
        python = python.relative_to(settings.BASE_DIR)
    manage = "manage.py" if Path.cwd() == settings.BASE_DIR else os.path.join(settings.BASE_DIR, "manage.py")
    # Without it the command would look for another farm.
    data_dir = f"DATA_DIR={shlex.quote(str(settings.DATA_DIR))} " if os.environ.get("DATA_DIR") else ""
    return f"{data_dir}{python} {manage} {arguments}"
