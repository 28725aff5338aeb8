"""Reading the audit log, and forgetting what is old. Writing it is the business of `log_entries`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db.models import CharField, Count, Q, QuerySet
from django.db.models.functions import Cast, Coalesce, Substr
from django.utils import timezone

from mirrors.models import LogEntry, Namespace, Repository

logger = logging.getLogger(__name__)

CHUNK = 1000
BATCH = 5000
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCKS_DIFFER = timedelta(days=1)
"""Ids grow with time, but for what clocks that differ or are set make of it, and what long transactions do."""

Entries = QuerySet[LogEntry]


@dataclass(frozen=True)
class CountOfDay:
    """How often something of this kind happened on this day, which is one of UTC."""

    kind: str
    day: date
    count: int


def entries_of_repository(repository: Repository) -> Entries:
    """What happened to this repository; not to another one that had its name before."""
    return LogEntry.objects.filter(repository=repository)


def entries_of_namespace(namespace: Namespace) -> Entries:
    """What happened in the namespace, to repositories that have gone too; of a user's own, also their sign-ins."""
    wanted = Q(namespace=namespace)
    if namespace.user_id is not None:
        wanted |= Q(namespace=None, namespace_name="", performer=namespace.user_id)
    return LogEntry.objects.filter(wanted)


def all_entries() -> Entries:
    """What happened anywhere."""
    return LogEntry.objects.all()


def selected(entries: Entries, *, start: datetime, end: datetime, performer: str = "") -> Entries:
    """Those from start up to before end, by the user or robot of this name if one is given."""
    # An expression, so that SQLite does not take the index of times: the one of ids holds the order of the pages too.
    at = Coalesce("created_at", "created_at")
    entries = _about(entries, start=start, end=end).alias(at=at).filter(at__gte=start, at__lt=end)
    if "\0" in performer:  # PostgreSQL takes no NUL, not even to look for it
        return entries.none()
    return entries.filter(performer_name=performer) if performer else entries


def newest(entries: Entries, *, limit: int, before: int | None = None) -> list[LogEntry]:
    """The newest first; with `before`, those older than the entry of this id. Their namespaces come along."""
    entries = entries.select_related("namespace").order_by("-id")
    return list((entries.filter(pk__lt=before) if before else entries)[:limit])


def counts(entries: Entries) -> list[CountOfDay]:
    """How often each kind happened on each day, the newest day first."""
    # Both databases write a time of UTC with its date first; to truncate it, SQLite would call Python for each entry.
    day = Substr(Cast("created_at", CharField()), 1, 10)
    counted = entries.order_by().annotate(day=day).values_list("kind", "day").annotate(count=Count("pk"))
    return [CountOfDay(kind, date.fromisoformat(day), count) for kind, day, count in counted.order_by("-day", "kind")]


def last_id(entries: Entries) -> int:
    """The id of the newest entry, 0 where there is none."""
    return entries.order_by("-id").values_list("pk", flat=True).first() or 0


def in_chunks(entries: Entries, *, until: int) -> Iterator[LogEntry]:
    """All entries up to this id, newest first; read piece by piece, so that any number of them takes little memory."""
    before = until + 1
    while chunk := newest(entries, limit=CHUNK, before=before):
        yield from chunk
        before = chunk[-1].pk


def forget_old_entries() -> int:
    """Delete entries older than LOG_RETENTION_DAYS, unless that is 0; gives how many. In batches that lock little."""
    if not settings.LOG_RETENTION_DAYS:
        return 0
    horizon = timezone.now() - timedelta(days=settings.LOG_RETENTION_DAYS)
    old = LogEntry.objects.filter(created_at__lt=horizon).order_by("created_at").values_list("pk", flat=True)
    forgotten = 0
    while batch := list(old[:BATCH]):
        forgotten += LogEntry.objects.filter(pk__in=batch).delete()[0]
    if forgotten:
        logger.info("Forgot %s log entries older than %s days", forgotten, settings.LOG_RETENTION_DAYS)
    return forgotten


def _about(entries: Entries, *, start: datetime, end: datetime) -> Entries:
    """Those whose ids are of that time, more or less: so that a page of last month is found without reading all since.

    Pages are in the order of ids, and the indexes end with them; of created_at they know nothing.
    """
    by_time = LogEntry.objects.order_by("created_at").values_list("pk", flat=True)
    first = by_time.filter(created_at__gte=start - CLOCKS_DIFFER).first() if start > EARLIEST else None
    last = by_time.filter(created_at__lt=end + CLOCKS_DIFFER).last() if end < timezone.now() else None
    bounds = {"pk__gte": first, "pk__lte": last}
    return entries.filter(**{name: key for name, key in bounds.items() if key is not None})
