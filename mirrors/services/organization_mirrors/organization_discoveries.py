"""What an organization mirror has discovered, and how each of it is doing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet, Window

from mirrors.models import DiscoveredRepository, OrganizationMirror, Sync
from mirrors.services.mirroring import mirror_phases
from mirrors.services.mirroring.mirror_phases import Phase

_TROUBLED = (Phase.FAILED, Phase.LOST, Phase.RETRYING)


@dataclass(frozen=True)
class Discovery:
    """One discovered repository, and the last sync of it that ended, if any."""

    row: DiscoveredRepository
    phase: Phase
    last_sync: Sync | None

    @property
    def message(self) -> str:
        """Why it is skipped, or what went wrong; empty when nothing did."""
        if self.row.message or self.last_sync is None or self.phase not in _TROUBLED:
            return self.row.message
        return self.last_sync.message


def with_phases(rows: QuerySet[DiscoveredRepository]) -> QuerySet[DiscoveredRepository]:
    """The rows with `phase`; see `with_phase`."""
    return mirror_phases.with_phase(rows, mirror="repository__mirror", skipped=Q(is_skipped=True))


def phase_counts(mirror: OrganizationMirror) -> dict[Phase, int]:
    """How many discovered repositories are in each phase, in one query; phases without any are left out."""
    return mirror_phases.phase_counts(with_phases(mirror.discovered.all()))


def discoveries(
    mirror: OrganizationMirror, *, phases: Collection[Phase] | None = None, offset: int, limit: int
) -> tuple[list[Discovery], int]:
    """A page of what was discovered, by name, and how many there are in all. phases: of these alone; None: of any."""
    rows = mirror.discovered.order_by("name")
    if phases is not None:
        rows = mirror_phases.in_phases(with_phases(rows), phases)
    # First which rows, then what there is to say of them: nobody wants to know it of the thousands before the page.
    # Counted in the same pass: what a filter by phase costs, it costs once.
    counted = dict(rows.annotate(total=Window(Count("pk"))).values_list("pk", "total")[offset : offset + limit])
    keys = list(counted)
    total = next(iter(counted.values())) if counted else rows.count()
    page = [
        (row, Phase(vars(row)["phase"]), vars(row)["last_sync_id"])
        for row in with_phases(mirror.discovered.filter(pk__in=keys).order_by("name"))
        .select_related("repository__namespace")
        .annotate(last_sync_id=F("repository__mirror__last_sync"))
    ]
    syncs = Sync.objects.only("message", "finished_at").in_bulk([sync for _, _, sync in page if sync])
    return [Discovery(row, phase, syncs.get(sync)) for row, phase, sync in page], total
