"""Mirrors as tables and as words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.humanize.templatetags.humanize import naturaltime
from rich.table import Table

from mirrors.management.progress import activity, counts, end_of
from mirrors.models import Mirror, Sync, TagCopy
from mirrors.oci import IndexMode
from mirrors.services.mirroring.intervals import interval_text
from mirrors.services.mirroring.mirror_status import MirrorStatus, State, statuses_of

STYLES = {State.SUCCEEDED: "green", State.FAILED: "red", State.SYNCING: "cyan", State.RETRYING: "yellow"}
FAILED_TAGS_SHOWN = 20


def mirror_table(mirrors: Iterable[Mirror]) -> Table:
    """One row a mirror."""
    mirrors = list(mirrors)
    statuses = statuses_of(mirrors)
    table = Table("REPOSITORY", "SOURCE", "TAGS", "EVERY", "STATE", "LAST SYNC", "NEXT SYNC", box=None, pad_edge=False)
    for mirror in mirrors:
        status = statuses[mirror.pk]
        table.add_row(
            str(mirror.repository),
            mirror.source_reference,
            ", ".join(mirror.tag_patterns),
            interval_text(mirror.sync_interval),
            status.state.value,
            _moment(status.last_sync_at),
            next_sync(status),
            style=STYLES.get(status.state),
        )
    return table


def mirror_details(status: MirrorStatus) -> Table:
    """The configuration of one mirror and how it is doing, a line a fact. No secrets."""
    mirror = status.mirror
    table = Table.grid(padding=(0, 2))
    rows = {
        "repository": f"{mirror.repository} ({mirror.repository.visibility})",
        "source": mirror.source_reference,
        "tags": ", ".join(mirror.tag_patterns),
        "platforms": _platforms(mirror),
        "comes along": _comes_along(mirror),
        "every": interval_text(mirror.sync_interval),
        "signs in": "with stored credentials" if mirror.source_username_ciphertext else "no, reads anonymously",
        "verifies TLS": "yes" if mirror.wants_tls_verified else "no",
        "robot": str(mirror.robot),
        "state": status.state.value + (" (cancelling)" if status.is_cancelling else ""),
        "last sync": _moment(status.last_sync_at),
        "next sync": next_sync(status),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def sync_lines(syncs: Iterable[Sync]) -> Iterable[str]:
    """Each sync in a line."""
    for sync in syncs:
        at = (sync.finished_at or sync.started_at or sync.created_at).strftime("%Y-%m-%d %H:%M:%S UTC")
        if sync.is_active:
            numbers = counts(sync)
            yield f"{at}  {sync.pk}: {activity(sync)}{f', {numbers}' if numbers else ''}"
        else:
            yield f"{at}  {sync.pk}: {end_of(sync)}"


def failed_tag_lines(sync: Sync) -> Iterable[str]:
    """The sync's failed tags, each with its reason."""
    failed = sync.tag_copies.filter(action=TagCopy.Action.FAILED)
    total = failed.count()
    for copy in failed[:FAILED_TAGS_SHOWN]:
        yield f"{copy.tag}: {copy.message or copy.error_code}"
    if total > FAILED_TAGS_SHOWN:
        yield f"and {total - FAILED_TAGS_SHOWN} more"


def _platforms(mirror: Mirror) -> str:
    if not mirror.platforms:
        return "all"
    is_rewritten = mirror.index_mode == IndexMode.REWRITTEN
    return ", ".join(mirror.platforms) + (", indexes rewritten" if is_rewritten else ", indexes kept as they are")


def _comes_along(mirror: Mirror) -> str:
    """What is copied besides the images themselves."""
    chosen = {"signatures and attestations": mirror.copies_referrers, "foreign layers": mirror.copies_foreign_layers}
    return ", ".join(name for name, is_chosen in chosen.items() if is_chosen) or "nothing but the images"


def next_sync(status: MirrorStatus) -> str:
    """When the schedule syncs it next."""
    return _moment(status.next_sync_at) if status.mirror.is_enabled else "never: disabled"


def _moment(at: datetime | None) -> str:
    # naturaltime puts no-break spaces between its words.
    return str(naturaltime(at)).replace("\xa0", " ") if at else "never"
