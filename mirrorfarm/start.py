"""Ends a process that cannot start with a sentence, for web server, workers and beat as manage.py does by itself."""

from __future__ import annotations

import sys
from typing import Any

from django.core.checks import run_checks

GIVE_UP = 4
"""The exit status for what a restart cannot help: on any other, gunicorn starts its workers again for ever."""


def refuse_to_start(**_: Any) -> None:
    """End the process with a sentence for each error that the system checks find."""
    errors = [message for message in run_checks() if message.is_serious()]
    for error in errors:
        print(f"Mirrorfarm cannot start: {error.msg} ({error.id})", file=sys.stderr)
    if errors:
        sys.exit(GIVE_UP)
