"""How mirrors are doing, as a column of the query: for counting and filtering thousands of them in the database.

The same question as `mirror_status` answers row by row, with everything that clients of the API tell apart.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import TypeVar, cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, CharField, Count, F, FilteredRelation, Model, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.db.models.sql.compiler import SQLCompiler

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


class Literal(Value):
    """A word of ours as a part of the statement: SQLite uses a partial index only for what it can see there."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[str | int, ...]]:
        """In quotes; there are none in it."""
        return f"'{self.value}'", ()


def with_phase(rows: QuerySet[Row], *, mirror: str = "", skipped: Q | None = None) -> QuerySet[Row]:
    """The rows with `phase` annotated, one of `Phase`.

    mirror: the path from the rows to their mirror; empty: they are mirrors. skipped: those that are not mirrored.
    A sync that only the schedule has queued leaves the phase of the one before it.
    """
    path = f"{mirror}__" if mirror else ""
    # Joins, and no look-up for each row: of the two syncs of a mirror that matter there is one each at most.
    is_active = Q(**{f"{path}syncs__status__in": [Literal(status.value) for status in ACTIVE]})
    joined = rows.alias(active_sync=FilteredRelation(f"{path}syncs", condition=is_active))
    phase = Coalesce(
        _PHASE_OF_ACTIVE, F(f"{path}last_sync__status"), Value(Phase.NEVER_RUN.value), output_field=CharField()
    )
    if skipped is None:
        return cast(QuerySet[Row], joined.annotate(phase=phase))
    skip = When(skipped, then=Value(Phase.SKIPPED.value))
    return cast(QuerySet[Row], joined.annotate(phase=Case(skip, default=phase, output_field=CharField())))


def in_phases(rows: QuerySet[Row], phases: Collection[Phase]) -> QuerySet[Row]:
    """Of the rows of `with_phase` those in one of these phases."""
    return rows.filter(phase__in=[phase.value for phase in phases])


def phase_counts(rows: QuerySet[Row]) -> dict[Phase, int]:
    """How many rows of `with_phase` are in each phase, in one query; phases without any are left out."""
    counts = rows.order_by().values("phase").annotate(count=Count("pk")).values_list("phase", "count")
    return {Phase(phase): count for phase, count in counts}


_PHASE_OF_ACTIVE = Case(
    When(
        active_sync__status=Status.RUNNING,
        active_sync__cancel_requested_at__isnull=False,
        then=Value(Phase.CANCELLED.value),
    ),
    When(active_sync__status=Status.RUNNING, then=Value(Phase.SYNCING.value)),
    When(active_sync__status=Status.QUEUED, active_sync__trigger=Trigger.MANUAL, then=Value(Phase.REQUESTED.value)),
    When(
        active_sync__status=Status.QUEUED,
        active_sync__trigger__in=(Trigger.RETRY, Trigger.RECOVERY),
        active_sync__restores__isnull=True,
        then=Value(Phase.RETRYING.value),
    ),
    output_field=CharField(),
)
"""None where the sync before it counts, or there is none."""
