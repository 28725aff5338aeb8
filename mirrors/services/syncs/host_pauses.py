"""Pauses that registries ask for, shared by all workers: whoever is told to wait, everybody waits.

The engine keeps them in memory, one set for each process. They are carried to the database and back when a sync
starts, every second or two while it runs, and when it ends. Deleting a row there lifts the pause for all.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from mirrors.models import HostPause
from mirrors.oci import LONGEST_PAUSE, PROCESS_PAUSES

logger = logging.getLogger(__name__)

_SAME = 2.0  # seconds; what the database has is rounded
# No pause is longer, give or take what clocks differ by: a row beyond that is of a worker whose clock is wrong.
_FURTHEST = timedelta(seconds=LONGEST_PAUSE + 60)
_exchanging = threading.Lock()
_shared: dict[str, float] = {}
"""The pauses that this process has read from the database or written there: the host, and when each ends."""


def exchange_pauses() -> None:
    """Tell the other workers of this process's pauses, take in theirs, and drop those that an operator has deleted."""
    if not _exchanging.acquire(blocking=False):
        return  # another thread is at it; waiting for its database could cost this one its lease
    try:
        _exchange()
    finally:
        _exchanging.release()


def _exchange() -> None:
    now = timezone.now()
    rows = HostPause.objects.filter(until__gt=now, until__lt=now + _FURTHEST)
    stored = dict(rows.values_list("host", "until"))
    _lift_deleted(set(stored))
    news = {
        host: until
        for host, end in sorted(PROCESS_PAUSES.snapshot().items())  # in one order: two workers must not deadlock
        if (until := datetime.fromtimestamp(round(end), UTC)) > stored.get(host, now)
    }
    if news:
        HostPause.objects.bulk_create(
            [HostPause(host=host, until=until) for host, until in news.items()],
            update_conflicts=True,
            unique_fields=["host"],
            update_fields=["until"],
            batch_size=500,
        )
    PROCESS_PAUSES.merge({host: until.timestamp() for host, until in stored.items()})
    # Not what the memory has by now: a pause that a host has asked for meanwhile is in no database yet.
    _shared.clear()
    _shared.update({host: until.timestamp() for host, until in (stored | news).items()})


def tell_pauses() -> None:
    """Write what this process has been asked for and nobody knows yet; without a database, it is told later."""
    news = PROCESS_PAUSES.snapshot().items()
    if not any(end > _shared.get(host, 0.0) + _SAME for host, end in news):
        return
    try:
        exchange_pauses()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The pauses that registries have asked for are told to the other workers later: %s", error)


def _lift_deleted(stored: set[str]) -> None:
    """Lift the pauses that were in the database and are not any more, before their time.

    One that the host has asked for anew meanwhile ends at another time, and stays.
    """
    for host, end in PROCESS_PAUSES.snapshot().items():
        if host not in stored and abs(end - _shared.get(host, 0.0)) < _SAME:
            PROCESS_PAUSES.lift(host)
