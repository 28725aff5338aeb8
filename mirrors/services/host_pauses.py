"""Pauses that registries ask for, shared by all workers: whoever is told to wait, everybody waits.

The engine keeps them in memory, one set for each process. The heartbeat of a running sync carries them to the
database and back, every second or two. Deleting a row there lifts the pause for all.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone

from mirrors.models import HostPause
from mirrors.oci import PROCESS_PAUSES

_SAME = 2.0  # seconds; what the database has is rounded
_shared: dict[str, float] = {}
"""The pauses that this process has read from the database or written there: the host, and when each ends."""


def exchange_pauses() -> None:
    """Tell the other workers of this process's pauses, take in theirs, and drop those that an operator has deleted."""
    now = timezone.now()
    stored = {pause.host: pause.until for pause in HostPause.objects.filter(until__gt=now)}
    _lift_deleted(set(stored))
    news = [
        HostPause(host=host, until=until)
        for host, end in PROCESS_PAUSES.snapshot().items()
        if (until := datetime.fromtimestamp(round(end), UTC)) > stored.get(host, now)
    ]
    if news:
        HostPause.objects.bulk_create(
            news, update_conflicts=True, unique_fields=["host"], update_fields=["until"], batch_size=500
        )
    PROCESS_PAUSES.merge({host: until.timestamp() for host, until in stored.items()})
    _shared.clear()
    _shared.update(PROCESS_PAUSES.snapshot())


def _lift_deleted(stored: set[str]) -> None:
    """Lift the pauses that were in the database and are not any more, before their time.

    One that the host has asked for anew meanwhile ends at another time, and stays.
    """
    for host, end in PROCESS_PAUSES.snapshot().items():
        if host not in stored and abs(end - _shared.get(host, 0.0)) < _SAME:
            PROCESS_PAUSES.lift(host)
