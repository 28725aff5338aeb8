"""`manage.py rotate_keys`."""

from __future__ import annotations

from typing import Any

from mirrors.management.command import MirrorfarmCommand
from mirrors.services.syncs import upkeep


class Command(MirrorfarmCommand):
    """Encrypt every stored secret with the newest key."""

    help = "Encrypt every stored secret with the first of ENCRYPTION_KEYS; afterwards the older keys may go."

    def handle(self, *_: Any, **__: Any) -> None:
        """All or nothing."""
        count = upkeep.reencrypt()
        self.stdout.write(f"{count} secrets are encrypted with the first of ENCRYPTION_KEYS. The other keys may go.")
