"""`manage.py collect_garbage`."""

from __future__ import annotations

from typing import Any

from mirrors.management.command import MirrorfarmCommand
from mirrors.oci.display import human_size
from mirrors.services.syncs import upkeep


class Command(MirrorfarmCommand):
    """Free content of the built-in store that no tag reaches."""

    help = "Free content of the built-in store that no tag reaches and no running sync has touched."

    def handle(self, *_: Any, **__: Any) -> None:
        """The farm does this every hour by itself."""
        report = upkeep.collect_garbage()
        self.stdout.write(f"Freed {human_size(report.bytes_freed)} in {report.blobs_removed} blobs.")
