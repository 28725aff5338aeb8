"""What the database knows of the tags of a mirrored repository: since when each is what it is, and what it was before.

It knows what syncs have done, for as long as their history is kept, and nothing of what others did at a registry.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from mirrors.models import MirroredTag, Repository, Sync, TagCopy

Action = TagCopy.Action


@dataclass(frozen=True)
class TagVersion:
    """A tag while it was one image. digest: empty where nobody knows it any more. ended_at: None for what is there."""

    name: str
    digest: str = ""
    media_type: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None


def recorded_tags(repository: Repository) -> dict[str, TagVersion]:
    """The tags that syncs have left at the target, each with the time of the sync that last moved it; one query."""
    at = Sync.objects.filter(pk=OuterRef("sync_id")).values(moment=Coalesce("finished_at", "started_at"))
    tags = MirroredTag.objects.filter(mirror__repository=repository).exclude(target_digest="")
    return {
        tag.tag: TagVersion(tag.tag, tag.target_digest, tag.media_type, tag.moved_at)
        for tag in tags.annotate(moved_at=Subquery(at[:1]))
    }


def ended_versions(repository: Repository, *, named: Q, start: int, limit: int) -> list[TagVersion]:
    """Versions that syncs have deleted or replaced, the latest end first; two queries.

    named: a condition on `tag`.
    """
    copies = _copies(repository).filter(_ends_a_version()).filter(named)
    ends = list(copies.order_by("-pk")[start : start + limit])
    earlier = _earlier(repository, {end.tag for end in ends}) if ends else {}
    return [_ended(end, earlier.get(end.tag, [])) for end in ends]


def _copies(repository: Repository) -> QuerySet[TagCopy]:
    return TagCopy.objects.filter(sync__mirror__repository=repository)


def _ends_a_version() -> Q:
    replaced = Q(action=Action.COPIED) & ~Q(target_digest_before="") & ~Q(target_digest_before=F("target_digest"))
    return Q(action=Action.DELETED) | replaced


def _earlier(repository: Repository, tags: Collection[str]) -> dict[str, list[TagCopy]]:
    """All copies of these tags, oldest first."""
    found: dict[str, list[TagCopy]] = {}
    for copy in _copies(repository).filter(action=Action.COPIED, tag__in=tags).order_by("pk"):
        found.setdefault(copy.tag, []).append(copy)
    return found


def _ended(end: TagCopy, copies: list[TagCopy]) -> TagVersion:
    before = [copy for copy in copies if copy.pk < end.pk]
    start = before[-1] if before else None
    digest = end.target_digest_before or (start.target_digest if start else "")
    if start is None or start.target_digest != digest:
        return TagVersion(end.tag, digest, ended_at=end.recorded_at)
    return TagVersion(end.tag, digest, start.media_type, start.recorded_at, end.recorded_at)
