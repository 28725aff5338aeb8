"""How far a sync has come: what is done, what is under way, how fast it goes and how long it will take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from mirrors.models import Sync
from mirrors.models.sync import Stage, Status


@dataclass(frozen=True)
class Progress:
    """The sync, and what follows from its counters; equal for two looks between which nothing was written.

    done, waiting: tags that have come to an end, and those that nobody has begun with. in_flight: tag, bytes copied,
    bytes expected of each that is being copied. speed: bytes per second. seconds_left: an estimate. Both are None
    where there is nothing to go by.
    """

    sync: Sync
    done: int
    waiting: int
    in_flight: list[tuple[str, int, int]]
    speed: int | None
    seconds_left: int | None


def progress_of(sync: Sync) -> Progress:
    """The progress of a sync, as far as its worker has written it down: twice a second at most."""
    done = sync.tags_copied + sync.tags_unchanged + sync.tags_skipped + sync.tags_failed
    in_flight = [(str(tag), int(copied), int(expected)) for tag, copied, expected in sync.in_flight]
    seconds = _seconds(sync)
    speed = round(sync.bytes_copied / seconds) if seconds and sync.bytes_copied else None
    return Progress(
        sync=sync,
        done=done,
        waiting=max(sync.tags_total - done - len(in_flight), 0),
        in_flight=in_flight,
        speed=speed,
        seconds_left=_seconds_left(sync, done=done, speed=speed, seconds=seconds),
    )


def _seconds(sync: Sync) -> float | None:
    """How long it had been running when its counters were written."""
    if sync.started_at is None:
        return None
    written: datetime | None = sync.finished_at or (sync.lease_expires_at and sync.lease_expires_at - settings.LEASE)
    return max((written - sync.started_at).total_seconds(), 0.1) if written else None


def _seconds_left(sync: Sync, *, done: int, speed: int | None, seconds: float | None) -> int | None:
    """By the bytes that are known to be missing, and by the tags, whichever takes longer."""
    if sync.status != Status.RUNNING or sync.stage != Stage.COPYING or not seconds:
        return None
    estimates = []
    if speed:
        estimates.append(max(sync.bytes_expected - sync.bytes_copied, 0) / speed)
    if done:
        estimates.append(seconds / done * (sync.tags_total - done))
    return round(max(estimates)) if estimates else None
