#!/usr/bin/env python
"""Django's command line, with Mirrorfarm's commands: up, mirror, rotate_keys, access_token."""

from __future__ import annotations

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main() -> None:
    """Run one command; a wrong setting ends in its sentence, not in a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mirrorfarm.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Mirrorfarm cannot start: {error}")


if __name__ == "__main__":
    main()
