"""All mirrors at once: those one may see, filtered, sorted and summed in the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum, Value, Window
from django.db.models.functions import Left, StrIndex
from django.utils import timezone

from mirrors.errors import InvalidInput, MirrorError
from mirrors.models import Mirror, Repository, Sync, User
from mirrors.models.sync import Status, Trigger
from mirrors.services import access
from mirrors.services.mirroring import mirrors
from mirrors.services.mirroring.mirror_phases import Phase, in_phases, with_phase
from mirrors.services.mirroring.mirror_status import MirrorStatus, statuses_of
from mirrors.services.syncs import syncs

LATE_AFTER = 900
"""Seconds that a sync may be overdue before its mirror is late."""
HOSTS = 100
"""How many source hosts the sums name, those with the most mirrors first."""
AT_ONCE = 500
"""How many mirrors one order may concern."""
LONGEST_TEXT = 1000
MOST_WORDS = 20
"""Of a filter's text: each is looked for in three columns."""

SORTS: dict[str, tuple[str, ...]] = {
    "repository": ("repository__namespace__name", "repository__name"),
    "source": ("source_reference",),
    "next_sync": ("next_sync_at",),
    "last_sync": ("last_sync",),  # its key: the later it ended, the larger, near enough
    "state": ("phase",),
}


@dataclass(frozen=True)
class Filter:
    """Which mirrors; what is empty or None does not matter.

    late: overdue by more than `late_after` seconds, enabled, and not being synced. text: in the name of the repository
    or in the source.
    """

    states: Collection[Phase] = ()
    late: bool | None = None
    late_after: int = LATE_AFTER
    source_host: str = ""
    namespace: str = ""
    enabled: bool | None = None
    text: str = ""


@dataclass(frozen=True)
class Entry:
    """A mirror and how it is doing."""

    status: MirrorStatus
    phase: Phase
    is_late: bool


@dataclass(frozen=True)
class Page:
    """Some mirrors, and how many there are in all."""

    entries: list[Entry]
    total: int


@dataclass(frozen=True)
class Sums:
    """Of all mirrors that the filter lets through.

    by_host: with the most mirrors first. tags, tags_copied, bytes_copied: of the last sync of each that has ended.
    """

    mirrors: int
    enabled: int
    late: int
    by_state: dict[Phase, int]
    by_host: list[tuple[str, int]]
    tags: int
    tags_copied: int
    bytes_copied: int


def page_of(account: access.Account, wanted: Filter, *, sort: str, page: int, limit: int) -> Page:
    """A page of the mirrors the account may see, in a constant number of queries.

    sort: one of SORTS, turned round by `-` before it.
    """
    rows = _filtered(_seen(account), wanted)
    start = (page - 1) * limit
    sorted_rows = _with_column_of(sort, rows, wanted).order_by(*_order(sort))
    # Keys alone first, counted in the same pass: what a filter by state costs, it costs once.
    counted = sorted_rows.annotate(total=Window(Count("pk"))).values_list("pk", "total")[start : start + limit]
    keys = dict(counted)
    total = next(iter(keys.values())) if keys else rows.count()
    related = Mirror.objects.select_related("repository__namespace", "robot__namespace").in_bulk(list(keys))
    found = [related[key] for key in keys if key in related]
    before = timezone.now() - timedelta(seconds=wanted.late_after)
    entries = [
        Entry(status, phase_of(status), is_late=_is_late(status, before)) for status in statuses_of(found).values()
    ]
    return Page(entries, total)


def sums_of(account: access.Account, wanted: Filter) -> Sums:
    """The sums over the mirrors the account may see, in a constant number of queries."""
    rows = _filtered(_seen(account), wanted).order_by()
    phased = rows if wanted.states else with_phase(rows)
    groups = list(
        phased.values("phase").annotate(  # type: ignore[misc]  # annotated
            mirrors=Count("pk"),
            enabled=Count("pk", filter=Q(is_enabled=True)),
            late=Count("pk", filter=_late(wanted.late_after)),
            tags_total=Sum("last_sync__tags_total", default=0),
            tags_copied=Sum("last_sync__tags_copied", default=0),
            bytes_copied=Sum("last_sync__bytes_copied", default=0),
        )
    )
    host = Left("source_reference", StrIndex("source_reference", Value("/")) - 1)
    hosts = rows.values(host=host).annotate(mirrors=Count("pk")).order_by("-mirrors", "host")
    return Sums(
        mirrors=sum(group["mirrors"] for group in groups),
        enabled=sum(group["enabled"] for group in groups),
        late=sum(group["late"] for group in groups),
        by_state={Phase(group["phase"]): group["mirrors"] for group in groups},
        by_host=list(hosts.values_list("host", "mirrors")[:HOSTS]),
        tags=sum(group["tags_total"] for group in groups),
        tags_copied=sum(group["tags_copied"] for group in groups),
        bytes_copied=sum(group["bytes_copied"] for group in groups),
    )


def phase_of(status: MirrorStatus) -> Phase:
    """What `mirror_phases` says of the same mirror in the database."""
    active = status.active
    if active is not None and active.status == Status.RUNNING:
        return Phase.CANCELLED if status.is_cancelling else Phase.SYNCING
    if active is not None and active.trigger == Trigger.MANUAL:
        return Phase.REQUESTED
    if active is not None and active.trigger in (Trigger.RETRY, Trigger.RECOVERY):
        return Phase.RETRYING
    return Phase(status.finished.status) if status.finished else Phase.NEVER_RUN


def _seen(account: access.Account) -> QuerySet[Mirror]:
    return Mirror.objects.filter(access.is_administered(account, repository="repository", reading=True))


def _filtered(rows: QuerySet[Mirror], wanted: Filter) -> QuerySet[Mirror]:
    _check_length(wanted)
    if wanted.namespace:
        rows = rows.filter(repository__namespace__name=wanted.namespace)
    if wanted.source_host:
        rows = rows.filter(source_reference__istartswith=f"{wanted.source_host}/")
    if wanted.enabled is not None:
        rows = rows.filter(is_enabled=wanted.enabled)
    for word in wanted.text.split():
        in_name = Q(repository__name__icontains=word) | Q(repository__namespace__name__icontains=word)
        rows = rows.filter(in_name | Q(source_reference__icontains=word))
    if wanted.late is not None:
        late = _late(wanted.late_after)
        rows = rows.filter(late if wanted.late else ~late)
    return in_phases(with_phase(rows), wanted.states) if wanted.states else rows


def _check_length(wanted: Filter) -> None:
    """Raise InvalidInput for what databases refuse to look for, or would look for all day."""
    for name in ("text", "source_host", "namespace"):
        if len(getattr(wanted, name)) > LONGEST_TEXT:
            raise InvalidInput(f"{name} may have {LONGEST_TEXT} characters.", field=name)
    if len(wanted.text.split()) > MOST_WORDS:
        raise InvalidInput(f"text may have {MOST_WORDS} words: leave some out.", field="text")


_SYNCED_STATES = (Repository.State.MIRROR, Repository.State.ORG_MIRROR)


def _late(after: int) -> Q:
    running = Sync.objects.filter(mirror=OuterRef("pk"), status=Status.RUNNING)
    overdue = Q(next_sync_at__lt=timezone.now() - timedelta(seconds=after), is_enabled=True)
    return overdue & Q(repository__state__in=_SYNCED_STATES) & ~Q(Exists(running))


def _is_late(status: MirrorStatus, before: datetime) -> bool:
    """The same of a mirror that has been read."""
    mirror = status.mirror
    return (
        mirror.is_enabled
        and mirror.next_sync_at is not None
        and mirror.next_sync_at < before
        and mirror.repository.state in _SYNCED_STATES
        and not (status.active and status.active.status == Status.RUNNING)
    )


def _with_column_of(sort: str, rows: QuerySet[Mirror], wanted: Filter) -> QuerySet[Mirror]:
    """The rows with what they are sorted by: that of thousands is not worked out for nothing."""
    return with_phase(rows) if sort.removeprefix("-") == "state" and not wanted.states else rows


def _order(sort: str) -> list[Any]:
    columns = SORTS[sort.removeprefix("-")]
    backwards = sort.startswith("-")
    order = [F(column).desc(nulls_last=True) if backwards else F(column).asc(nulls_last=True) for column in columns]
    return [*order, "pk"]


@dataclass(frozen=True)
class Ordered:
    """What became of an order: for how many mirrors it was carried out, and for which not, and why."""

    done: int
    refused: list[tuple[str, str]]


ORDERS: dict[str, Callable[[Mirror, User], object]] = {
    "sync-now": lambda mirror, by: syncs.request_sync(mirror, by=by),
    "cancel": lambda mirror, by: syncs.cancel_sync(mirror, by=by),
    "enable": lambda mirror, by: mirror.is_enabled or mirrors.change_mirror(mirror, {"is_enabled": True}),
    "disable": lambda mirror, by: mirror.is_enabled and mirrors.change_mirror(mirror, {"is_enabled": False}),
}
"""What can be ordered of many mirrors at once."""


def order(user: User, kind: str, *, wanted: Filter | None = None, repositories: Sequence[str] | None = None) -> Ordered:
    """Carry out one of ORDERS for all mirrors of the filter, or of these repositories, that the user administers.

    Raises InvalidInput for more than AT_ONCE. One that is refused does not keep the others from it.
    """
    administered = access.administered_repositories(user)
    rows = Mirror.objects.filter(repository__in=administered.values("pk"))
    if repositories is not None:
        rows = rows.filter(repository__in=_named(administered, repositories))
        missing = sorted(set(repositories) - {mirror.repository.full_name for mirror in _joined(rows)})
    else:
        rows, missing = _filtered(rows, wanted or Filter()), []
    if (number := rows.count()) > AT_ONCE:
        raise InvalidInput(f"That would concern {number} mirrors. At most {AT_ONCE} at once: narrow the filter.")
    refused = [(name, "You administer no mirror of that name.") for name in missing]
    done = 0
    for mirror in _joined(rows).order_by("pk"):
        try:
            ORDERS[kind](mirror, user)
            done += 1
        except MirrorError as error:
            refused.append((mirror.repository.full_name, error.message))
    return Ordered(done, refused)


def _joined(rows: QuerySet[Mirror]) -> QuerySet[Mirror]:
    return rows.select_related("repository__namespace__target_registry", "robot__namespace")


def _named(administered: QuerySet[Repository], names: Sequence[str]) -> list[int]:
    if len(names) > AT_ONCE:
        raise InvalidInput(f"At most {AT_ONCE} repositories at once.")
    pairs = [name.partition("/") for name in names]
    named = administered.filter(namespace__name__in={pair[0] for pair in pairs}, name__in={pair[2] for pair in pairs})
    return [repository.pk for repository in named if repository.full_name in set(names)]
