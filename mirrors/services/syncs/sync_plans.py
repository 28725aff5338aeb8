"""What a sync is to do: read once when it starts, so that later edits of the mirror do not reach it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from mirrors import oci
from mirrors.models import Mirror, MirroredTag, Sync
from mirrors.models.sync import Trigger
from mirrors.oci import BlobPlaces, IndexLimits, IndexMode, KnownTag, Side
from mirrors.services.syncs import connections
from mirrors.services.syncs.signature_policies import policy_for

SCOPE = ("target", "platforms", "index_mode", "copies_referrers", "copies_foreign_layers")
"""What decides which content a tag needs at the target: after a change of it equal digests prove nothing."""

_PLACES = BlobPlaces()
"""Where this process has seen blobs: the syncs of one namespace find there what they can mount from each other."""


@dataclass(frozen=True)
class Plan:
    """Both ends, the tags, and how to copy them.

    kept: tags that pruning spares. restores: the tag to be put back, and nothing else is to be done.
    remembered: what the target has as far as the database knows. scope: of the settings that say what a tag needs
    there. settled: the tags that were copied or compared with just these. asks_target: none of it is relied on.
    """

    source: connections.Location
    target: connections.Location
    patterns: list[str]
    only_tags: list[str] | None
    kept: frozenset[str]
    restores: dict[str, str] | None
    options: oci.CopyOptions
    remembered: dict[str, KnownTag]
    scope: str
    settled: frozenset[str]
    asks_target: bool

    def options_for(self, wanted: Collection[str], *, listed: Collection[str]) -> oci.CopyOptions:
        """How to copy these tags of all that the source lists."""
        return replace(self.options, deep=frozenset(wanted) - self.settled, source_tags=frozenset(listed))


def snapshot_of(mirror: Mirror) -> dict[str, Any]:
    """What a sync records of the configuration it runs with: the mirror's own, and where its content is kept."""
    target = connections.target_of(mirror.repository)
    return mirror.snapshot() | {"target": f"{target.host}/{target.repository}"}


def plan_of(sync: Sync) -> Plan:
    """The plan of a sync that has just started. Raises DecryptionFailed, and Unsupported for a mirror of itself."""
    mirror = sync.mirror
    source, target = connections.source_of(mirror), connections.target_of(mirror.repository)
    if source.is_same_place(target):  # pruning would delete at the source
        raise oci.Unsupported(
            f"{target.repository} cannot be mirrored from itself: give another source, or another target registry.",
            side=Side.SOURCE,
        )
    scope = scope_of(sync.snapshot)
    remembered, settled = memory_of(mirror, scope=scope)
    asks_target = not settled or _asks_target(sync)
    return Plan(
        source=source,
        target=target,
        patterns=mirror.tag_patterns,
        only_tags=sync.only_tags,
        kept=frozenset(mirror.kept_tags),
        restores=sync.restores,
        options=oci.CopyOptions(
            platforms=oci.parse_platforms(mirror.platforms),
            index_mode=IndexMode(mirror.index_mode),
            tag_timeout=mirror.timeout_seconds,
            concurrency=settings.TAG_CONCURRENCY,
            mount_from=connections.siblings_of(mirror),
            places=_PLACES,
            known=remembered,
            asks_target=asks_target,
            foreign_layers=mirror.copies_foreign_layers,
            limits=IndexLimits(
                bytes=settings.REPO_MIRROR_MAX_MANIFEST_LIST_SIZE, entries=settings.REPO_MIRROR_MAX_MANIFEST_ENTRIES
            ),
            referrers=mirror.copies_referrers,
            check_referrers=asks_target,
            signatures=policy_for(mirror),
        ),
        remembered=remembered,
        scope=scope,
        settled=settled,
        asks_target=asks_target,
    )


def memory_of(mirror: Mirror, *, scope: str) -> tuple[dict[str, KnownTag], frozenset[str]]:
    """What the database knows of each tag, and the tags of which that holds with the settings of this scope."""
    rows = MirroredTag.objects.filter(mirror=mirror).values_list("tag", "source_digest", "target_digest", "scope")
    remembered: dict[str, KnownTag] = {}
    settled = set()
    for tag, source_digest, target_digest, its_scope in rows.iterator():
        remembered[tag] = KnownTag(source_digest, target_digest)
        if its_scope == scope:
            settled.add(tag)
    return remembered, frozenset(settled)


def scope_of(snapshot: dict[str, Any]) -> str:
    """The fingerprint of those settings of a snapshot."""
    values = json.dumps([snapshot[name] for name in SCOPE])
    return hashlib.sha256(values.encode()).hexdigest()


def _asks_target(sync: Sync) -> bool:
    """Whether what the database remembers of the target is not to be trusted this time.

    Somebody asked for this sync; it is time to look again, because others may write to that registry too; or since then
    a sync was stopped with tags under way: what it had sent may have arrived, and nobody wrote it down. A tag that
    fails is forgotten when that is recorded: one that always fails must not have all others asked for each time.
    """
    if sync.trigger == Trigger.MANUAL:
        return True
    since = timezone.now() - timedelta(seconds=settings.TARGET_CHECK_SECONDS)
    earlier = Sync.objects.finished().filter(mirror=sync.mirror)
    asked = earlier.settled().filter(asked_target=True, only_tags__isnull=True, tags_total__gt=0)
    last = asked.filter(finished_at__gte=since).order_by("-pk").values_list("pk", flat=True).first()
    return last is None or earlier.filter(pk__gt=last).exclude(pk__in=earlier.settled()).exists()
