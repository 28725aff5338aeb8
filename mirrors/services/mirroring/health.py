"""How the mirrors of the farm, or of one namespace, are doing as a whole: Quay's rules, in a few queries.

Healthy is what Quay calls so: at most a fifth of the mirrors that ever ran is failing, and as many workers report as
there should be. Everything else is told, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, F, Min, QuerySet
from django.utils import timezone

from mirrors.models import Mirror, Namespace, Repository, Sync
from mirrors.models.sync import Status
from mirrors.services.mirroring import mirror_phases
from mirrors.services.mirroring.mirror_phases import Phase
from mirrors.services.mirroring.mirror_status import MirrorStatus, statuses_of
from mirrors.services.syncs import workers

FAILING = 0.20
STALE_AFTER = timedelta(hours=24)
SAMPLES = 5
_FAILED = (Phase.FAILED, Phase.LOST, Phase.RETRYING)


@dataclass(frozen=True)
class Issue:
    """Something to look at. severity: critical, error or warning."""

    severity: str
    message: str


@dataclass(frozen=True)
class Health:
    """Of the enabled mirrors. workers_expected: by REPO_MIRROR_WORKER_REPLICAS, else as many as there are."""

    is_healthy: bool
    workers: int
    workers_expected: int
    total: int
    syncing: int
    completed: int
    failed: int
    never_run: int
    tags_pending: int
    issues: list[Issue]


def health(namespace: Namespace | None = None, *, is_summary: bool = False) -> Health:
    """The sums and the verdict. is_summary: no repository is named."""
    counts, oldest = _counts(namespace)
    total, never_run = sum(counts.values()), counts.get(Phase.NEVER_RUN, 0)
    failed = sum(counts.get(phase, 0) for phase in _FAILED)
    present, expected = workers.count_workers(), settings.REPO_MIRROR_WORKER_REPLICAS
    grave = [
        *_failing(failed, of=total - never_run),
        *_missing_workers(present, expected=expected if total else 0),
    ]
    return Health(
        is_healthy=not grave,
        workers=present,
        workers_expected=expected or present,
        total=total,
        syncing=counts.get(Phase.SYNCING, 0),
        completed=counts.get(Phase.SUCCEEDED, 0),
        failed=failed,
        never_run=never_run,
        tags_pending=_tags_pending(namespace),
        issues=grave if is_summary else [*grave, *_issues_of_mirrors(namespace, counts, oldest=oldest)],
    )


def statuses(namespace: Namespace | None, *, limit: int, offset: int) -> tuple[list[MirrorStatus], bool]:
    """A page of the enabled mirrors, by namespace and name, and whether more follow."""
    ordered = _mirrors(namespace).order_by("repository__namespace_id", "repository__name")
    # First which rows, and then all of their columns: what stands before the page is only counted.
    keys = list(ordered.values_list("pk", flat=True)[offset : offset + limit + 1])
    rows = Mirror.objects.filter(pk__in=keys[:limit]).select_related("repository__namespace")
    found = statuses_of(rows)
    return [found[key] for key in keys[:limit] if key in found], len(keys) > limit


def _mirrors(namespace: Namespace | None) -> QuerySet[Mirror]:
    mirrors = Mirror.objects.filter(is_enabled=True, repository__state=Repository.State.MIRROR)
    return mirrors if namespace is None else mirrors.filter(repository__namespace=namespace)


def _counts(namespace: Namespace | None) -> tuple[dict[Phase, int], datetime | None]:
    """How many mirrors are in each phase, and when that ended which has not been synced for the longest time."""
    phased = mirror_phases.with_phase(_mirrors(namespace)).order_by().values("phase")  # type: ignore[misc]  # annotated
    groups = list(phased.annotate(count=Count("pk"), oldest=Min("last_sync__finished_at")))
    ends = [group["oldest"] for group in groups if group["oldest"] is not None]
    return {Phase(group["phase"]): group["count"] for group in groups}, min(ends, default=None)


def _failing(failed: int, *, of: int) -> list[Issue]:
    if not of or failed / of <= FAILING:
        return []
    text = f"{failed / of:.1%} of repositories are failing (threshold: {FAILING:.1%})"
    return [Issue("critical", text)]


def _missing_workers(present: int, *, expected: int) -> list[Issue]:
    # As in Quay: with none at all nobody is warned, for then they may report elsewhere.
    if not 0 < present < expected:
        return []
    text = f"{expected - present} mirror worker(s) are not reporting: {present} of {expected} are there"
    return [Issue("warning", text)]


def _tags_pending(namespace: Namespace | None) -> int:
    """Tags that the running syncs have still to look at."""
    done = F("tags_copied") + F("tags_unchanged") + F("tags_skipped") + F("tags_failed")
    # Filtered here: of all conditions the database should begin with the one that leaves the fewest rows.
    running = Sync.objects.filter(status=_RUNNING).values_list(
        F("tags_total") - done, "mirror__is_enabled", "mirror__repository__state", "mirror__repository__namespace"
    )
    return sum(
        max(0, rest)
        for rest, is_enabled, state, where in running.order_by()
        if is_enabled and state == Repository.State.MIRROR and (namespace is None or where == namespace.pk)
    )


_RUNNING = mirror_phases.Literal(Status.RUNNING.value)


def _issues_of_mirrors(
    namespace: Namespace | None, counts: Mapping[Phase, int], *, oldest: datetime | None
) -> Iterator[Issue]:
    """At most SAMPLES of each kind; none is looked for that the counts say there is not."""
    mirrors, horizon = _mirrors(namespace), timezone.now() - STALE_AFTER
    if oldest is not None and oldest < horizon:
        stale = mirrors.filter(last_sync__finished_at__lt=horizon)
        yield from _samples(stale, "warning", "hasn't synced in over 24 hours")
    phased = mirror_phases.with_phase(mirrors)
    if counts.get(Phase.NEVER_RUN):
        never = mirror_phases.in_phases(phased, (Phase.NEVER_RUN,))
        yield from _samples(never, "warning", "has never been synced")
    if counts.get(Phase.FAILED) or counts.get(Phase.LOST):
        failed = mirror_phases.in_phases(phased, (Phase.FAILED, Phase.LOST))
        exhausted = failed.filter(last_sync__attempt__gte=settings.SYNC_ATTEMPTS)
        yield from _samples(exhausted, "error", "has exhausted all retry attempts")


def _samples(mirrors: QuerySet[Mirror], severity: str, words: str) -> Iterator[Issue]:
    names = mirrors.order_by("pk").values_list("repository__namespace__name", "repository__name")[:SAMPLES]
    for namespace, name in names:
        yield Issue(severity, f"{namespace}/{name} {words}")
