"""How a mirror is doing, for pages, commands and API alike, in two queries for any number of mirrors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.utils import timezone

from mirrors.models import Mirror, Sync
from mirrors.models.sync import ACTIVE, Status, Trigger


class State(StrEnum):
    """What people see. Quay's words for them are made in `api/`."""

    SCHEDULED = "scheduled"  # never ran
    QUEUED = "queued"  # asked for, or due, and waiting for a worker
    SYNCING = "syncing"
    RETRYING = "retrying"  # the last attempt failed, the next is waiting
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OF_FINISHED = {
    Status.SUCCEEDED: State.SUCCEEDED,
    Status.FAILED: State.FAILED,
    Status.LOST: State.FAILED,
    Status.CANCELLED: State.CANCELLED,
}


@dataclass(frozen=True)
class MirrorStatus:
    """The active sync, if any, and the last one that ended, if any."""

    mirror: Mirror
    active: Sync | None
    finished: Sync | None

    @property
    def state(self) -> State:
        """One word for it."""
        if self.active is None:
            return OF_FINISHED[Status(self.finished.status)] if self.finished else State.SCHEDULED
        if self.active.status == Status.RUNNING:
            return State.SYNCING
        return State.RETRYING if self.active.trigger == Trigger.RETRY else State.QUEUED

    @property
    def is_cancelling(self) -> bool:
        """The worker has been asked to stop and has not yet."""
        return bool(self.active and self.active.cancel_requested_at)

    @property
    def attempts_left(self) -> int:
        """How many more attempts the current sync has."""
        return settings.SYNC_ATTEMPTS - (self.active.attempt - 1 if self.active else 0)

    @property
    def last_sync_at(self) -> datetime | None:
        """When the last sync ended."""
        return self.finished.finished_at if self.finished else None

    @property
    def next_sync_at(self) -> datetime | None:
        """When the schedule wants the sync after the one under way; None: never."""
        due, now = self.mirror.next_sync_at, timezone.now()
        return self.mirror.next_slot(now) if self.active and due is not None and due <= now else due

    @property
    def error(self) -> Sync | None:
        """The last sync that ended, if it failed."""
        return self.finished if self.finished and OF_FINISHED[Status(self.finished.status)] is State.FAILED else None

    @property
    def latest(self) -> Sync | None:
        """The sync to show: the running one, else the last one that ended, else the queued one."""
        if self.active and self.active.status == Status.RUNNING:
            return self.active
        return self.finished or self.active


def status_of(mirror: Mirror) -> MirrorStatus:
    """The status of one mirror."""
    return statuses_of([mirror])[mirror.pk]


def statuses_of(mirrors: Iterable[Mirror]) -> dict[int, MirrorStatus]:
    """The status of each mirror, by its primary key."""
    mirrors = list(mirrors)
    keys = [mirror.pk for mirror in mirrors]
    light = Sync.objects.defer("unchanged_tags")  # thousands of names, for lists that show none of them
    active = {sync.mirror_id: sync for sync in light.filter(mirror__in=keys, status__in=ACTIVE)}
    # Asked again, for the mirrors may have been read before a sync of theirs ended.
    last = Mirror.objects.filter(pk__in=keys).values("last_sync")
    finished = {sync.mirror_id: sync for sync in light.filter(pk__in=last)}
    return {mirror.pk: MirrorStatus(mirror, active.get(mirror.pk), finished.get(mirror.pk)) for mirror in mirrors}
