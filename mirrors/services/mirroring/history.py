"""The past of a mirror: its syncs, and what became of each tag in them."""

from __future__ import annotations

from mirrors.errors import NotFound
from mirrors.models import Mirror, MirroredTag, Sync, TagCopy


def recent_syncs(
    mirror: Mirror, *, limit: int, before: int | None = None, status: str = "", trigger: str = ""
) -> list[Sync]:
    """The latest syncs, newest first; with `before`, those older than the sync of this id.

    status, trigger: only those; empty for all.
    """
    wanted = {"pk__lt": before, "status": status, "trigger": trigger}
    syncs = Sync.objects.filter(mirror=mirror, **{name: value for name, value in wanted.items() if value})
    return list(syncs.select_related("requested_by").defer("unchanged_tags").order_by("-id")[:limit])


def find_sync(mirror: Mirror, sync_id: int) -> Sync:
    """One sync of this mirror; raises NotFound."""
    sync = Sync.objects.filter(mirror=mirror, pk=sync_id).select_related("requested_by").first()
    if sync is None:
        raise NotFound(f"{mirror.repository} has no sync {sync_id}.")
    return sync


def recorded_tags(sync: Sync, *, limit: int, after: int | None = None) -> list[TagCopy]:
    """The sync's tags in the order they were recorded, then those that were equal; with `after`, what follows that id.

    Tags that were equal have no row: their ids are negative, counted from -1.
    """
    copies: list[TagCopy] = []
    if not after or after > 0:
        rows = TagCopy.objects.filter(sync=sync, pk__gt=after or 0).order_by("pk")
        copies = list(rows[:limit])
    start = -after if after and after < 0 else 0
    return copies + unchanged_tags(sync, start=start, limit=limit - len(copies))


def unchanged_tags(sync: Sync, *, limit: int, start: int = 0) -> list[TagCopy]:
    """The tags that were equal, by name; with the digest they had, where it is still known. Not to be saved."""
    names = sync.unchanged_tags[start : start + limit]
    digests = {tag.tag: tag for tag in MirroredTag.objects.filter(mirror=sync.mirror_id, tag__in=names)}
    return [
        _unchanged(sync, name, number=start + number, mirrored=digests.get(name))
        for number, name in enumerate(names, start=1)
    ]


def _unchanged(sync: Sync, name: str, *, number: int, mirrored: MirroredTag | None) -> TagCopy:
    copy = TagCopy(pk=-number, sync=sync, tag=name, action=TagCopy.Action.UNCHANGED)
    if mirrored is not None and mirrored.sync_id <= sync.pk:  # it has not moved since
        copy.source_digest, copy.media_type = mirrored.source_digest, mirrored.media_type
        copy.target_digest = copy.target_digest_before = mirrored.target_digest
    return copy
