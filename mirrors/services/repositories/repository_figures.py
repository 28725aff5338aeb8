"""What is counted of repositories: for lists, in one query whatever their number."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Count, Max, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from mirrors.models import LogEntry, Repository, Sync, User

DAYS = 92


@dataclass(frozen=True)
class DailyCount:
    """How much happened on a day (UTC)."""

    day: date
    count: int


def starred_among(repositories: Collection[Repository], *, user: User) -> set[int]:
    """The primary keys of those that the user has starred."""
    return set(user.starred.filter(pk__in=[each.pk for each in repositories]).values_list("pk", flat=True))


def last_changes(repositories: Collection[Repository]) -> dict[int, datetime]:
    """When a sync last changed a tag of each, by primary key; of what no sync has changed nothing."""
    changed = Q(tags_copied__gt=0) | Q(tags_deleted__gt=0)
    syncs = Sync.objects.filter(changed, mirror__repository__in=repositories, finished_at__isnull=False)
    rows = syncs.order_by().values_list("mirror__repository").annotate(at=Max("finished_at"))
    return dict(rows)


def daily_counts(repository: Repository) -> list[DailyCount]:
    """How many entries of the audit log each of the last 92 days has, the latest first; 0 where there is none."""
    today = timezone.now().astimezone(UTC).date()
    entries = LogEntry.objects.filter(repository=repository, created_at__gte=timezone.now() - timedelta(days=DAYS))
    days = entries.order_by().annotate(day=TruncDate("created_at", tzinfo=UTC)).values_list("day")
    counts = dict(days.annotate(count=Count("pk")))
    return [DailyCount(day, counts.get(day, 0)) for day in (today - timedelta(days=number) for number in range(DAYS))]
