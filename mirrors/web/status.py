"""What pages show of a mirror's state: words, colours, icons, and how soon to look again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Case, IntegerField, Value, When
from django.utils import timezone

from mirrors.models import Sync, TagCopy
from mirrors.models.sync import Stage, Status, Trigger
from mirrors.oci.display import human_size
from mirrors.services.mirroring import history
from mirrors.services.mirroring.mirror_status import MirrorStatus, State
from mirrors.web import words

TAGS_SHOWN = 100
SYNCS_SHOWN = 20
RUNNING_PERIOD, QUEUED_PERIOD, SOON_PERIOD = 1, 2, 15
SOON = timedelta(minutes=2)
LONGEST_DELAY = timedelta(days=1)  # browsers' timers fire at once, and so for ever, from 25 days on


@dataclass(frozen=True)
class Badge:
    """A label: text, PatternFly colour (empty: grey) and Font Awesome icon."""

    text: str
    colour: str
    icon: str
    is_turning: bool = False


BADGES = {
    State.SCHEDULED: Badge("Scheduled", "", "clock"),
    State.QUEUED: Badge("Scheduled now", "teal", "bolt"),
    State.SYNCING: Badge("Syncing", "blue", "sync-alt", is_turning=True),
    State.SUCCEEDED: Badge("Succeeded", "green", "check-circle"),
    State.FAILED: Badge("Failed", "red", "exclamation-circle"),
    State.CANCELLED: Badge("Cancelled", "orange", "ban"),
}
CANCELLING = Badge("Cancelling", "orange", "sync-alt", is_turning=True)

SYNC_BADGES = {
    Status.QUEUED: BADGES[State.QUEUED],
    Status.RUNNING: BADGES[State.SYNCING],
    Status.SUCCEEDED: BADGES[State.SUCCEEDED],
    Status.FAILED: BADGES[State.FAILED],
    Status.LOST: Badge("Lost", "red", "unlink"),
    Status.CANCELLED: BADGES[State.CANCELLED],
}

TAG_BADGES = {
    TagCopy.Action.COPIED: Badge("Copied", "green", "check-circle"),
    TagCopy.Action.UNCHANGED: Badge("Unchanged", "", "equals"),
    TagCopy.Action.SKIPPED: Badge("Skipped", "", "forward"),
    TagCopy.Action.DELETED: Badge("Deleted", "orange", "trash"),
    TagCopy.Action.FAILED: Badge("Failed", "red", "exclamation-circle"),
}

COUNTS = ("copied", "unchanged", "skipped", "failed", "deleted")


def badge_of(status: MirrorStatus) -> Badge:
    """The label of a mirror's state."""
    if status.state == State.SYNCING and status.is_cancelling:
        return CANCELLING
    if status.state == State.RETRYING and status.active:
        return Badge(f"Retrying ({status.active.attempt}/{settings.SYNC_ATTEMPTS})", "orange", "redo")
    return BADGES[status.state]


def may_request(status: MirrorStatus) -> bool:
    """Whether Sync Now would change anything: not while a sync runs, nor when one is asked for already."""
    return status.active is None or (status.active.status == Status.QUEUED and status.active.trigger != Trigger.MANUAL)


def is_late(status: MirrorStatus) -> bool:
    """Whether a sync should have begun and has not, beyond what beat and a busy farm explain."""
    due = status.mirror.next_sync_at if status.mirror.is_enabled and status.active is None else None
    return due is not None and timezone.now() - due > 4 * timedelta(seconds=settings.REPO_MIRROR_INTERVAL)


def tags_done(sync: Sync) -> int:
    """Tags of a sync that are settled, one way or another; those deleted are not among its tags."""
    return sync.tags_copied + sync.tags_unchanged + sync.tags_skipped + sync.tags_failed


def counts_of(sync: Sync) -> str:
    """`3 copied, 497 unchanged`; what is zero is left out."""
    counts = ((getattr(sync, f"tags_{name}"), name) for name in COUNTS)
    return ", ".join(f"{count} {name}" for count, name in counts if count)


def referrers_of(record: Sync | TagCopy) -> str:
    """`2 referrers, 1 failed`: the signatures and the like that came along with its images; empty for none."""
    copied, failed = record.referrers_copied, record.referrers_failed
    parts = [f"{copied} referrer{'' if copied == 1 else 's'}"] if copied else []
    if failed:
        parts.append(f"{failed} failed" if copied else f"{failed} referrer{'' if failed == 1 else 's'} failed")
    return ", ".join(parts)


def activity_of(status: MirrorStatus) -> str:
    """What is going on, in one sentence; empty when nothing is."""
    sync = status.active
    if sync is None:
        return ""
    if status.is_cancelling:
        return "Stopping. What is copied already stays, nothing is deleted."
    if sync.status == Status.RUNNING:
        return f"{Stage(sync.stage).label if sync.stage else 'Starting'}."
    if sync.available_at > timezone.now():
        return f"The attempt before failed. The next one starts {words.relative_time(sync.available_at)}."
    return "Waiting for a free worker."


def speed_of(sync: Sync) -> str:
    """Bytes per second since the sync started, `48.0 MB/s`; empty before anything was copied."""
    if not sync.started_at or not sync.bytes_copied:
        return ""
    seconds = ((sync.finished_at or timezone.now()) - sync.started_at).total_seconds()
    return f"{human_size(sync.bytes_copied / max(seconds, 0.1))}/s"


def trigger_of(sync: Sync) -> str:
    """Why there was a sync, in a word or two."""
    if sync.trigger == Trigger.MANUAL:
        return f"Sync Now by {sync.requested_by}" if sync.requested_by else "Sync Now"
    if sync.trigger == Trigger.RETRY:
        return f"Retry ({sync.attempt}/{settings.SYNC_ATTEMPTS})"
    if sync.trigger == Trigger.RESTORE and sync.restores:
        return f"Restore of {sync.restores['tag']}"
    return "Recovery" if sync.trigger == Trigger.RECOVERY else "Schedule"


def refresh_trigger(status: MirrorStatus) -> str:
    """When the page should ask again, as an htmx trigger; `refresh` is the event of a page that is looked at again."""
    if status.active:
        period = RUNNING_PERIOD if status.active.status == Status.RUNNING else QUEUED_PERIOD
        return f"refresh, every {period}s"
    due = status.mirror.next_sync_at
    if not status.mirror.is_enabled or due is None:
        return "refresh"
    wait = due - timezone.now()
    if wait > SOON:
        delay = min(wait - SOON, LONGEST_DELAY)
        return f"refresh, load delay:{round(delay.total_seconds()) or 1}s"
    is_expected = timedelta(0) >= wait and not is_late(status)
    return f"refresh, every {QUEUED_PERIOD if is_expected else SOON_PERIOD}s"


def shown_tags(sync: Sync | None) -> tuple[list[TagCopy], int]:
    """The tags of a sync to list, the troubled ones first, and how many more there are. Running: the newest first."""
    if sync is None:
        return [], 0
    rank = Case(
        When(action=TagCopy.Action.FAILED, then=Value(0)),
        When(referrers_failed__gt=0, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    order = ("rank", "-pk") if sync.is_active else ("rank", "tag")
    shown: list[TagCopy] = list(sync.tag_copies.alias(rank=rank).order_by(*order)[:TAGS_SHOWN])
    total = sync.tag_copies.exclude(action=TagCopy.Action.UNCHANGED).count() + sync.tags_unchanged
    shown += history.unchanged_tags(sync, limit=TAGS_SHOWN - len(shown))
    return shown, total - len(shown)
