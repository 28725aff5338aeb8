"""Syncs as people ask for them: request one, cancel one."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from mirrors import queue
from mirrors.errors import AlreadySyncing, InvalidInput, NotFound, NotSyncing
from mirrors.models import Mirror, Repository, Sync, User
from mirrors.models.sync import Status, Trigger
from mirrors.services.logs import log_entries
from mirrors.services.syncs import schedules


@transaction.atomic
def request_sync(mirror: Mirror, *, by: User | None = None) -> Sync:
    """Queue a sync of this mirror now, or bring the queued one forward; AlreadySyncing while one is running."""
    check_state(mirror)
    sync = Sync.objects.active().filter(mirror=mirror).first() or _insert_request(mirror, by=by)
    if sync.trigger != Trigger.MANUAL or sync.status != Status.QUEUED:
        if not sync.promote(by=by.pk if by else None):
            raise AlreadySyncing(f"{mirror.repository} is being synced already. Wait for it, or cancel it first.")
        sync.refresh_from_db()
    _record(mirror, to="SYNC_NOW", by=by)
    queue.enqueue_sync(sync)
    return sync


@transaction.atomic
def cancel_sync(mirror: Mirror, *, by: User | None = None) -> Sync:
    """Stop the queued or running sync. Nothing is deleted and the schedule goes on; NotSyncing where there is none.

    A queued sync is cancelled at once, a running one by its worker, within seconds.
    """
    sync = Sync.objects.active().filter(mirror=mirror).first()
    if sync is None:
        raise NotSyncing(f"No sync of {mirror.repository} is queued or running.")
    if sync.cancel_requested_at and sync.status == Status.RUNNING:
        raise NotSyncing(f"The sync of {mirror.repository} is being cancelled already. Its worker is stopping.")
    if sync.withdraw(message=f"Cancelled {_name(by)}before it started."):
        schedules.advance_after(sync)
    elif not sync.request_cancel():
        raise NotSyncing(f"The sync of {mirror.repository} has just ended.")
    _record(mirror, to="SYNC_CANCEL", by=by)
    return sync


def _insert_request(mirror: Mirror, *, by: User | None) -> Sync:
    try:
        with transaction.atomic():
            inserted = Sync.objects.create(
                mirror=mirror, trigger=Trigger.MANUAL, priority=Sync.MANUAL_PRIORITY, requested_by=by
            )
    except IntegrityError as error:  # one_active_sync_per_mirror: somebody was faster
        sync = Sync.objects.active().filter(mirror=mirror).first()
        if sync is None:
            raise AlreadySyncing(f"{mirror.repository} was being synced just now. Ask again.") from error
        return sync
    check_still_mirrored(mirror)
    return inserted


def check_state(mirror: Mirror) -> None:
    """Raise InvalidInput where the state of the repository keeps the mirror from writing."""
    if mirror.repository.state != Repository.State.MIRROR:
        raise InvalidInput(
            f"{mirror.repository} is in the {mirror.repository.state} state: set it to MIRROR first.", field="state"
        )


def check_still_mirrored(mirror: Mirror) -> None:
    """Raise NotFound where somebody has removed the mirror; else nobody does before the transaction ends.

    To be asked after its sync is inserted, for everyone locks syncs before mirrors.
    """
    if not Mirror.objects.select_for_update(of=("self",)).filter(pk=mirror.pk).values_list("pk").first():
        raise NotFound(f"{mirror.repository} is not mirrored any more: somebody has just removed its mirror.")


def _record(mirror: Mirror, *, to: str, by: User | None) -> None:
    kind = "repo_mirror_config_changed"  # Quay logs the two commands as changes too
    log_entries.record(kind, repository=mirror.repository, performer=by, changed="sync_status", to=to)


def _name(by: User | None) -> str:
    return f"by {by.get_username()} " if by else ""
