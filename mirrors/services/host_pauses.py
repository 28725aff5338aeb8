"""Pauses that registries ask for, shared by all workers: whoever is told to wait, everybody waits.

The engine keeps them in memory, one set for each process. The heartbeat of a running sync carries them to the
database and back, every second or two.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone

from mirrors.models import HostPause
from mirrors.oci import PROCESS_PAUSES


def exchange_pauses() -> None:
    """Tell the other workers of this process's pauses, and take in theirs."""
    stored = {pause.host: pause.until for pause in HostPause.objects.filter(until__gt=timezone.now())}
    news = [
        HostPause(host=host, until=until)
        for host, end in PROCESS_PAUSES.snapshot().items()
        if (until := datetime.fromtimestamp(round(end), UTC)) > stored.get(host, timezone.now())
    ]
    if news:
        HostPause.objects.bulk_create(
            news, update_conflicts=True, unique_fields=["host"], update_fields=["until"], batch_size=500
        )
    PROCESS_PAUSES.merge({host: until.timestamp() for host, until in stored.items()})
