"""When mirrors are due, and what happens to syncs that nobody works on any more."""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from mirrors import queue
from mirrors.models import Mirror, Repository, Sync
from mirrors.models.sync import Trigger
from mirrors.services.syncs import sync_log

logger = logging.getLogger(__name__)

BATCH = 2000  # some four seconds' work
LONGEST_DELAY = timedelta(hours=1)


def enqueue_due_syncs() -> int:
    """Queue a sync of every enabled mirror that is due and has none under way; gives how many."""
    under_way = Sync.objects.active().filter(mirror=OuterRef("pk"))
    due = _due().filter(~Exists(under_way)).order_by("next_sync_at", "pk")
    return sum(_enqueue_due(mirror) for mirror in due[:BATCH])


def sweep() -> None:
    """End syncs whose lease ran out, plan their next attempts, and ring again for queued syncs nobody heard of."""
    now = timezone.now()
    for sync in Sync.objects.lease_expired(now).select_related(
        "mirror__repository__namespace", "mirror__robot__namespace"
    ):
        _recover(sync, at=now)
    ring_again(now)


def ring_again(now: datetime) -> int:
    """Send the messages of queued syncs again where some were lost: no more than the broker lacks."""
    waiting = queue.waiting_messages()
    if waiting is None:
        logger.warning("The broker cannot be reached; queued syncs wait until it is back.")
        return 0
    ready = Sync.objects.filter(status="queued", available_at__lte=now).count()
    missing = max(ready - waiting, 0)
    grace = timedelta(seconds=settings.BELL_GRACE_SECONDS)
    unheard = Sync.objects.unheard(at=now, rung_before=now - grace)[: min(missing, BATCH)]
    return sum(queue.ring(sync) for sync in unheard)


def advance(mirror: Mirror) -> None:
    """Move a due time that has passed to the next slot of the schedule; one in the future stays."""
    now = timezone.now()
    fresh = Mirror.objects.only("starts_at", "sync_interval", "next_sync_at").get(pk=mirror.pk)
    if fresh.next_sync_at is not None and fresh.next_sync_at <= now:
        # Conditional: an edit of the schedule in the meantime wins.
        unedited = Mirror.objects.filter(pk=mirror.pk, next_sync_at=fresh.next_sync_at)
        unedited.update(next_sync_at=fresh.next_slot(now))


def advance_after(sync: Sync) -> None:
    """The same once this sync is over; one that put a tag back was no part of the schedule."""
    if sync.restores is None:
        advance(sync.mirror)


def plan_next_attempt(
    sync: Sync, *, trigger: Trigger, only_tags: list[str] | None = None, retry_after: float | None = None
) -> Sync | None:
    """Queue the attempt that follows a failed or lost one; None, and on to the next slot, when all are used up.

    None as well where the sync was cancelled, or the mirror disabled unless somebody asked for this sync.
    """
    # Both may have changed since the worker read them: who asked has been removed, or has cancelled at the last moment.
    sync.refresh_from_db(fields=["requested_by", "cancel_requested_at"])
    if sync.attempt >= settings.SYNC_ATTEMPTS or sync.cancel_requested_at or is_switched_off(sync):
        advance_after(sync)
        return None
    delay = timedelta(0) if trigger == Trigger.RECOVERY else retry_delay(sync.attempt, retry_after=retry_after)
    following = Sync.objects.create(
        mirror=sync.mirror,
        trigger=trigger,
        priority=sync.priority,
        requested_by=sync.requested_by,
        attempt=sync.attempt + 1,
        previous=sync,
        only_tags=only_tags,
        restores=sync.restores,
        available_at=timezone.now() + delay,
    )
    if not delay:
        queue.enqueue_sync(following)
    return following


def retry_delay(attempt: int, *, retry_after: float | None) -> timedelta:
    """Twice as long after each attempt, never shorter than the registry asked for, jittered, at most an hour.

    Jittered even so: many syncs are told to wait by one registry, and must not come back to it all at once.
    """
    seconds = settings.RETRY_DELAY_SECONDS * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
    asked = (retry_after or 0) * random.uniform(1.0, 1.25)  # noqa: S311 - no secret
    return timedelta(seconds=min(max(seconds, asked), LONGEST_DELAY.total_seconds()))


def is_switched_off(sync: Sync) -> bool:
    """Whether the mirror is disabled, and nobody asked for this sync all the same."""
    if sync.priority >= Sync.MANUAL_PRIORITY:
        return False
    return not Mirror.objects.filter(pk=sync.mirror_id, is_enabled=True).exists()


def _due() -> QuerySet[Mirror]:
    mirrors = Mirror.objects.filter(is_enabled=True, next_sync_at__lte=timezone.now())
    return mirrors.filter(repository__state=Repository.State.MIRROR)


def _enqueue_due(mirror: Mirror) -> bool:
    try:
        with transaction.atomic():
            sync = Sync.objects.create(mirror=mirror, trigger=Trigger.SCHEDULE)
            # Asked again, now that no other sync can come between: since the list was read the mirror may have been
            # synced, changed or disabled.
            is_still_due = _due().filter(pk=mirror.pk).exists()
            if is_still_due:
                queue.enqueue_sync(sync)
            else:
                transaction.set_rollback(True)
    except IntegrityError:  # one_active_sync_per_mirror: another beat, or a person, was faster
        return False
    return is_still_due


@transaction.atomic
def _recover(sync: Sync, *, at: datetime) -> None:
    if not sync.lose(at=at, message=f"Worker {sync.worker} stopped renewing its lease; the sync starts again."):
        return
    logger.warning("%s of %s lost its worker %s", sync, sync.mirror.repository, sync.worker)
    sync_log.record_end(sync)
    plan_next_attempt(sync, trigger=Trigger.RECOVERY, only_tags=sync.only_tags)
