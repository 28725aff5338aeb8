"""The past of a mirror: its syncs, and what became of each tag in them."""

from __future__ import annotations

from mirrors.errors import NotFound
from mirrors.models import Mirror, Sync, TagCopy


def recent_syncs(mirror: Mirror, *, limit: int, before: int | None = None) -> list[Sync]:
    """The latest syncs, newest first; with `before`, those older than the sync of this id."""
    syncs = Sync.objects.filter(mirror=mirror).select_related("requested_by").order_by("-id")
    return list((syncs.filter(pk__lt=before) if before else syncs)[:limit])


def find_sync(mirror: Mirror, sync_id: int) -> Sync:
    """One sync of this mirror; raises NotFound."""
    sync = Sync.objects.filter(mirror=mirror, pk=sync_id).select_related("requested_by").first()
    if sync is None:
        raise NotFound(f"{mirror.repository} has no sync {sync_id}.")
    return sync


def recorded_tags(sync: Sync, *, limit: int, after: int | None = None) -> list[TagCopy]:
    """The sync's tags in the order they were recorded; with `after`, those recorded later than that one's id."""
    tags = TagCopy.objects.filter(sync=sync).order_by("pk")
    return list((tags.filter(pk__gt=after) if after else tags)[:limit])
