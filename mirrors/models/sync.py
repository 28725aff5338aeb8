"""One run of a mirror: the state machine.

                         +-------- withdraw --------+
                         |                          v
    (request) -> QUEUED -+- start -> RUNNING -+- cancel -> CANCELLED
                                              +- succeed -> SUCCEEDED
                                              +- fail ----> FAILED
                                              +- lose ----> LOST       (its lease ran out)

Each arrow is one method and one conditional UPDATE, filtered by the states it may leave and by the fence number. A
method that answers False changed nothing: somebody else was faster. A running sync holds a lease that its worker
renews; a worker that wakes up after its lease was taken finds its fence old, and changes nothing.

A failed or lost sync is not revived: the next attempt is a new row that names this one as `previous`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from mirrors.models.mirror import Mirror
from mirrors.oci.errors import Code, Side


class Status(models.TextChoices):
    """Where a sync is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


ACTIVE = (Status.QUEUED, Status.RUNNING)


class Trigger(models.TextChoices):
    """Why a sync exists."""

    SCHEDULE = "schedule", "It was due"
    MANUAL = "manual", "Somebody asked for it"
    RETRY = "retry", "The attempt before it failed"
    RECOVERY = "recovery", "The worker before it died"
    RESTORE = "restore", "A deleted tag is to be put back"


class Stage(models.TextChoices):
    """What a running sync is doing."""

    NONE = "", "Not running"
    LISTING = "listing", "Listing the source's tags"
    COPYING = "copying", "Comparing and copying tags"
    PRUNING = "pruning", "Deleting tags that no longer match"


def error_codes() -> list[tuple[str, str]]:
    """The closed list of reasons, as choices that need no migration when the list grows."""
    return [(code.value, code.value) for code in Code]


def sides() -> list[tuple[str, str]]:
    """Source and target, as choices."""
    return [(side.value, side.value) for side in Side]


class SyncQuerySet(models.QuerySet["Sync"]):
    """The questions that schedules and workers ask."""

    def active(self) -> Self:
        """Queued or running."""
        return self.filter(status__in=ACTIVE)

    def finished(self) -> Self:
        """In one of the four final states."""
        return self.exclude(status__in=ACTIVE)

    def concluded(self) -> Self:
        """Finished, and not only to put a tag back: what says how a mirror is doing.

        The last of each mirror stands in its `last_sync`.
        """
        return self.finished().filter(restores__isnull=True)

    def complete(self) -> Self:
        """Succeeded with all tags that match, and not with none: what is true of each tag was true at their end."""
        # `only_tags=None` would ask for a JSON null.
        return self.filter(status=Status.SUCCEEDED, only_tags__isnull=True, tags_total__gt=0)

    def settled(self) -> Self:
        """Every tag of it came to an end, be it a failure, and that is recorded."""
        ends = F("tags_copied") + F("tags_unchanged") + F("tags_skipped") + F("tags_failed")
        # One that was lost may not have got round to saying how many tags it had.
        return self.exclude(status=Status.LOST).filter(tags_total=ends)

    def lease_expired(self, at: datetime) -> Self:
        """Running, but not renewed in time."""
        return self.filter(status=Status.RUNNING, lease_expires_at__lt=at)

    def unheard(self, *, at: datetime, rung_before: datetime) -> Self:
        """Queued and ready, and either never announced to the workers or too long ago."""
        return self.filter(
            Q(rung_at__isnull=True) | Q(rung_at__lt=rung_before), status=Status.QUEUED, available_at__lte=at
        ).order_by("-priority", "available_at", "id")


class Sync(models.Model):
    """One run of a mirror, or one attempt of it."""

    MANUAL_PRIORITY = 10

    mirror = models.ForeignKey("mirrors.Mirror", on_delete=models.CASCADE, related_name="syncs")
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    trigger = models.CharField(max_length=8, choices=Trigger, default=Trigger.SCHEDULE)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="requested_syncs"
    )
    priority = models.SmallIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=1)
    previous = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="followers")
    only_tags = models.JSONField(null=True, blank=True, help_text="A retry copies only these; null: all that match.")
    restores = models.JSONField(
        null=True, blank=True, help_text="A restore puts back this tag alone: tag, target_digest, source_digest."
    )

    created_at = models.DateTimeField(auto_now_add=True)
    available_at = models.DateTimeField(default=timezone.now, help_text="Not to be started before this time.")
    rung_at = models.DateTimeField(null=True, blank=True, help_text="When the workers were last told of it.")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    worker = models.CharField(max_length=255, blank=True)
    fence = models.PositiveIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    snapshot = models.JSONField(default=dict, blank=True, help_text="The configuration it ran with.")
    stage = models.CharField(max_length=8, choices=Stage, default=Stage.NONE, blank=True)
    tags_total = models.PositiveIntegerField(default=0)
    tags_copied = models.PositiveIntegerField(default=0)
    tags_unchanged = models.PositiveIntegerField(default=0)
    tags_skipped = models.PositiveIntegerField(default=0)
    tags_failed = models.PositiveIntegerField(default=0)
    tags_deleted = models.PositiveIntegerField(default=0)
    bytes_copied = models.PositiveBigIntegerField(default=0)
    bytes_expected = models.PositiveBigIntegerField(default=0)
    referrers_copied = models.PositiveIntegerField(default=0)
    referrers_failed = models.PositiveIntegerField(default=0)
    in_flight = models.JSONField(
        default=list, blank=True, help_text="The tags being copied: a list of [tag, bytes copied, bytes expected]."
    )
    unchanged_tags = models.JSONField(default=list, blank=True, help_text="The names of the tags that were equal.")
    asked_target = models.BooleanField(
        default=False, help_text="Every tag was asked for at the target too, and every image for new referrers."
    )
    rate_limit = models.JSONField(
        null=True, blank=True, help_text="What the source last said of its limit: limit, remaining, window in seconds."
    )
    error_code = models.CharField(max_length=20, choices=error_codes, blank=True)
    error_side = models.CharField(max_length=6, choices=sides, blank=True)
    message = models.TextField(blank=True, help_text="The outcome in a sentence.")

    objects = SyncQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["mirror"], condition=Q(status__in=["queued", "running"]), name="one_active_sync_per_mirror"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "succeeded", "failed", "cancelled", "lost"]),
                name="sync_status_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="running")
                | Q(lease_expires_at__isnull=False, started_at__isnull=False, fence__gte=1),
                name="a_running_sync_holds_a_lease",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running"], finished_at__isnull=True)
                | Q(status__in=["succeeded", "failed", "cancelled", "lost"], finished_at__isnull=False),
                name="a_final_sync_has_an_end",
            ),
        ]
        indexes = [
            models.Index(fields=["mirror", "-id"], name="sync_history"),
            models.Index(fields=["lease_expires_at"], condition=Q(status="running"), name="sync_lease"),
            models.Index(fields=["available_at"], condition=Q(status="queued"), name="sync_waiting"),
        ]

    def __str__(self) -> str:
        return f"sync {self.pk} of mirror {self.mirror_id} ({self.status})"

    @property
    def is_active(self) -> bool:
        """Queued or running."""
        return self.status in ACTIVE

    def start(self, *, worker: str, snapshot: dict[str, Any]) -> bool:
        """queued -> running, with a fresh lease and fence. False: another worker was faster."""
        now = timezone.now()
        started = self._move(
            {Status.QUEUED},
            Status.RUNNING,
            fence=F("fence") + 1,
            worker=worker,
            snapshot=snapshot,
            started_at=now,
            lease_expires_at=now + settings.LEASE,
        )
        if started:
            self.refresh_from_db(fields=["fence"])
        return started

    def renew(self, **progress: Any) -> bool:
        """Extend the lease and record progress. False: the lease is gone, stop at once."""
        progress["lease_expires_at"] = timezone.now() + settings.LEASE
        return self._update({Status.RUNNING}, progress)

    def request_cancel(self) -> bool:
        """Ask the worker of a running sync to stop. False: it is not running."""
        changes = {"cancel_requested_at": timezone.now()}
        return bool(Sync.objects.filter(pk=self.pk, status=Status.RUNNING).update(**changes))

    def promote(self, *, by: int | None) -> bool:
        """Bring a queued sync forward on somebody's request. False: it is not queued any more, or puts a tag back."""
        return self._update(
            {Status.QUEUED},
            {
                "trigger": Trigger.MANUAL,
                "priority": self.MANUAL_PRIORITY,
                "requested_by_id": by,
                "attempt": 1,
                "only_tags": None,
                "available_at": timezone.now(),
                "rung_at": None,
            },
            rows=Sync.objects.filter(restores__isnull=True),
        )

    def succeed(self, *, message: str, **counts: Any) -> bool:
        """running -> succeeded."""
        return self._end({Status.RUNNING}, Status.SUCCEEDED, message=message, **counts)

    def fail(self, *, code: Code, side: Side | None, message: str, **counts: Any) -> bool:
        """running -> failed."""
        return self._end(
            {Status.RUNNING}, Status.FAILED, error_code=code, error_side=side or "", message=message, **counts
        )

    def withdraw(self, *, message: str) -> bool:
        """queued -> cancelled."""
        return self._end({Status.QUEUED}, Status.CANCELLED, error_code=Code.CANCELLED, message=message)

    def cancel(self, *, message: str, **counts: Any) -> bool:
        """running -> cancelled; only its worker says so, once it has stopped copying."""
        return self._end({Status.RUNNING}, Status.CANCELLED, error_code=Code.CANCELLED, message=message, **counts)

    def lose(self, *, at: datetime, message: str) -> bool:
        """running -> lost, if its lease ran out before `at`."""
        rows = Sync.objects.lease_expired(at)
        return self._end({Status.RUNNING}, Status.LOST, rows=rows, error_code=Code.LOST, message=message)

    def _end(self, allowed: set[Status], status: Status, *, rows: SyncQuerySet | None = None, **changes: Any) -> bool:
        changes |= {"finished_at": timezone.now(), "lease_expires_at": None, "stage": Stage.NONE, "in_flight": []}
        with transaction.atomic(savepoint=False):
            ended = self._move(allowed, status, rows=rows, **changes)
            if ended and self.restores is None:
                # Never back to an older one, whatever the order in which two ends are written.
                older = Q(last_sync__isnull=True) | Q(last_sync__lt=self.pk)
                Mirror.objects.filter(older, pk=self.mirror_id).update(last_sync=self.pk)
        return ended

    def _move(self, allowed: set[Status], status: Status, *, rows: SyncQuerySet | None = None, **changes: Any) -> bool:
        return self._update(allowed, {"status": status, **changes}, rows=rows)

    def _update(self, allowed: set[Status], changes: dict[str, Any], *, rows: SyncQuerySet | None = None) -> bool:
        rows = Sync.objects.all() if rows is None else rows
        if not rows.filter(pk=self.pk, status__in=allowed, fence=self.fence).update(**changes):
            return False
        for name, value in changes.items():
            if not isinstance(value, models.expressions.Combinable):
                setattr(self, name, value)
        return True
