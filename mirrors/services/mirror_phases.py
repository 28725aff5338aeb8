"""How mirrors are doing, as a column of the query: for counting and filtering thousands of them in the database.

The same question as `mirror_status` answers row by row, with everything that clients of the API tell apart.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import TypeVar, cast

from django.db.models import Case, CharField, Count, F, Model, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from mirrors.models import Sync
from mirrors.models.sync import ACTIVE, Status, Trigger

Row = TypeVar("Row", bound=Model)


class Phase(StrEnum):
    """Where a mirror is. The ends of a sync are called as `Status` calls them."""

    NEVER_RUN = "never_run"
    REQUESTED = "requested"  # somebody asked for the sync that is queued
    SYNCING = "syncing"
    RETRYING = "retrying"  # the last attempt failed, the next is queued
    SUCCEEDED = Status.SUCCEEDED.value
    FAILED = Status.FAILED.value
    LOST = Status.LOST.value
    CANCELLED = Status.CANCELLED.value
    SKIPPED = "skipped"  # of a discovered repository: vanished or filtered out


def with_phase(rows: QuerySet[Row], *, mirror: str = "pk", skipped: Q | None = None) -> QuerySet[Row]:
    """The rows with `phase` annotated, one of `Phase`.

    mirror: the path from the rows to the key of their mirror. skipped: those that are not mirrored.
    A sync that only the schedule has queued leaves the phase of the one before it.
    """
    # Of a mirror's syncs the active one is the newest, so that one look into the index finds either.
    # Whether a tag could be put back says nothing of how the mirror is doing.
    counted = Sync.objects.filter(Q(restores__isnull=True) | Q(status__in=ACTIVE), mirror=OuterRef(mirror))
    newest = counted.order_by("-id").annotate(phase=_PHASE_OF_SYNC)
    finished = Sync.objects.concluded().filter(mirror=OuterRef(mirror)).order_by("-id")
    phase = Coalesce(
        Subquery(newest.values("phase")[:1]),
        Subquery(finished.values("status")[:1]),
        Value(Phase.NEVER_RUN.value),
        output_field=CharField(),
    )
    if skipped is None:
        return cast(QuerySet[Row], rows.annotate(phase=phase))
    skip = When(skipped, then=Value(Phase.SKIPPED.value))
    return cast(QuerySet[Row], rows.annotate(phase=Case(skip, default=phase, output_field=CharField())))


def in_phases(rows: QuerySet[Row], phases: Collection[Phase]) -> QuerySet[Row]:
    """Of the rows of `with_phase` those in one of these phases."""
    return rows.filter(phase__in=[phase.value for phase in phases])


def phase_counts(rows: QuerySet[Row]) -> dict[Phase, int]:
    """How many rows of `with_phase` are in each phase, in one query; phases without any are left out."""
    counts = rows.order_by().values("phase").annotate(count=Count("pk")).values_list("phase", "count")
    return {Phase(phase): count for phase, count in counts}


_PHASE_OF_SYNC = Case(
    When(status=Status.RUNNING, cancel_requested_at__isnull=False, then=Value(Phase.CANCELLED.value)),
    When(status=Status.RUNNING, then=Value(Phase.SYNCING.value)),
    When(status=Status.QUEUED, trigger=Trigger.MANUAL, then=Value(Phase.REQUESTED.value)),
    When(
        status=Status.QUEUED,
        trigger__in=(Trigger.RETRY, Trigger.RECOVERY),
        restores__isnull=True,
        then=Value(Phase.RETRYING.value),
    ),
    When(status__in=ACTIVE, then=Value(None)),
    default=F("status"),
    output_field=CharField(),
)
"""None where the sync before it counts."""
