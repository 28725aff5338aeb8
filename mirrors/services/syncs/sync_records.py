"""What a running sync has done so far: gathered by the copy, written to the database by the heartbeat."""

from __future__ import annotations

import threading
from dataclasses import asdict
from typing import Any

from django.db import transaction

from mirrors.models import MirroredTag, Sync, TagCopy
from mirrors.models.sync import Stage
from mirrors.oci import Action, KnownTag, Progress, RateLimit, TagOutcome
from mirrors.services.storable import storable
from mirrors.services.syncs import sync_log
from mirrors.services.syncs.sync_plans import Plan

BATCH = 500
_SETTLED = frozenset({Action.COPIED, Action.UNCHANGED, Action.SKIPPED})


class SyncRecords:
    """Counters and outcomes of one sync. The copy adds in its thread, the heartbeat reads and saves in another."""

    def __init__(self, sync: Sync) -> None:
        self.sync = sync
        self.progress = Progress()
        self.stage = Stage.LISTING
        self.tags_total = 0
        self._counts = dict.fromkeys(TagCopy.Action, 0)
        self._unchanged: list[str] = []
        self.rate_limit: RateLimit | None = None
        self._asked_target = False
        self._remembered: dict[str, KnownTag] = {}
        self._settled: frozenset[str] = frozenset()
        self._scope = ""
        self._copies: list[TagCopy] = []
        self._tags: list[MirroredTag] = []
        self.named_tags: list[str] = []
        self._may_be_saved = False
        self._lock = threading.Lock()

    def expect(self, plan: Plan) -> None:
        """Take note of what the database remembers already, and of how the copy will be done."""
        self._remembered, self._asked_target = plan.remembered, plan.asks_target
        self._settled, self._scope = plan.settled, plan.scope

    def add(self, outcome: TagOutcome) -> None:
        """Take in the outcome of one tag."""
        action = TagCopy.Action(outcome.action.value)
        is_plain = action is TagCopy.Action.UNCHANGED and not outcome.referrers_failed
        copy = None if is_plain else self._copy_of(outcome, action)
        mirrored = self._mirrored_by(outcome)
        with self._lock:
            self._counts[action] += 1
            if copy is None:
                self._unchanged.append(outcome.tag)
            else:
                self._keep(copy)
            if mirrored is not None:
                self._tags.append(mirrored)

    def remembered(self, tag: str) -> KnownTag | None:
        """What the database knew of the tag when the sync began."""
        return self._remembered.get(tag)

    def add_deleted(self, tag: str, known: KnownTag | None = None) -> None:
        """Take in a tag that no longer matched and is gone. known: what it was; without it nobody can restore it."""
        action = TagCopy.Action.DELETED
        known = known or self._remembered.get(tag)
        copy = TagCopy(
            sync=self.sync,
            tag=tag,
            action=action,
            source_digest=known.source_digest if known else "",
            target_digest_before=known.target_digest if known else "",
            message="It no longer matches any pattern.",
        )
        with self._lock:
            self._counts[action] += 1
            self._keep(copy)

    def counters(self) -> dict[str, Any]:
        """The sync's columns as they stand now."""
        with self._lock:
            counts = dict(self._counts)
        return {
            "stage": self.stage,
            "tags_total": self.tags_total,
            "in_flight": [
                [tag, copy.bytes_copied, max(copy.bytes_expected, copy.bytes_copied)]
                for tag, copy in sorted(dict(self.progress.active).items())
            ],
            "bytes_copied": self.progress.bytes_copied,
            "bytes_expected": max(self.progress.bytes_expected, self.progress.bytes_copied),
            "referrers_copied": self.progress.referrers_copied,
            "referrers_failed": self.progress.referrers_failed,
            **{f"tags_{action.value}": count for action, count in counts.items()},
        }

    def final_columns(self) -> dict[str, Any]:
        """The columns that are written when the sync ends: the counters, and what would be much to write often."""
        counters = self.counters()
        del counters["stage"], counters["in_flight"]
        return counters | {
            "unchanged_tags": sorted(self._unchanged),
            "asked_target": self._asked_target,
            "rate_limit": self.rate_limit and asdict(self.rate_limit),
        }

    def save(self) -> None:
        """Write the outcomes that are not in the database yet; they stay here until that is committed."""
        with self._lock:
            copies, tags = self._copies[:], self._tags[:]
        if copies:
            sync_log.record_tags(self.sync, self._not_yet_saved(copies))
            TagCopy.objects.bulk_create(copies, batch_size=BATCH, ignore_conflicts=True)
            self._forget(copies)
        if tags:
            MirroredTag.objects.bulk_create(
                tags,
                batch_size=BATCH,
                update_conflicts=True,
                unique_fields=["mirror", "tag"],
                update_fields=["source_digest", "target_digest", "scope", "media_type", "sync_id"],
            )
        if copies or tags:
            transaction.on_commit(lambda: self._saved(len(copies), len(tags)))

    @property
    def has_unsaved(self) -> bool:
        """Whether `save` has work."""
        return bool(self._copies or self._tags)

    def _keep(self, copy: TagCopy) -> None:
        self._copies.append(copy)
        if copy.action != TagCopy.Action.UNCHANGED and len(self.named_tags) < sync_log.TAGS_NAMED:
            self.named_tags.append(sync_log.named_tag(copy))

    def _not_yet_saved(self, copies: list[TagCopy]) -> list[TagCopy]:
        """A tag whose commit was not heard of, because the connection broke, is not recorded twice."""
        if not self._may_be_saved:
            self._may_be_saved = True
            return copies
        saved = set(TagCopy.objects.filter(sync=self.sync).values_list("tag", flat=True))
        return [copy for copy in copies if copy.tag not in saved]

    def _copy_of(self, outcome: TagOutcome, action: TagCopy.Action) -> TagCopy:
        return TagCopy(
            sync=self.sync,
            tag=outcome.tag,
            action=action,
            source_digest=outcome.source_digest or "",
            target_digest_before=outcome.target_digest_before or "",
            target_digest=outcome.target_digest or "",
            media_type=storable(outcome.media_type, longest=255),
            bytes_copied=outcome.bytes_copied,
            referrers_copied=outcome.referrers_copied,
            referrers_failed=len(outcome.referrers_failed),
            seconds=outcome.seconds,
            error_code=outcome.error.code if outcome.error else "",
            message=storable(outcome.error.message if outcome.error else outcome.reason),
        )

    def _mirrored_by(self, outcome: TagOutcome) -> MirroredTag | None:
        """The row to write for a tag that is at the target; None where the database has it like that."""
        if outcome.action not in _SETTLED or not outcome.source_digest:
            return None
        # A tag that was skipped has not come to the target, whatever an earlier image of it there is.
        target_digest = "" if outcome.action is Action.SKIPPED else outcome.target_digest or ""
        known = KnownTag(outcome.source_digest, target_digest)
        if outcome.tag in self._settled and self._remembered.get(outcome.tag) == known:
            return None
        return MirroredTag(
            mirror_id=self.sync.mirror_id,
            tag=outcome.tag,
            source_digest=outcome.source_digest,
            target_digest=target_digest,
            scope=self._scope,
            media_type=storable(outcome.media_type, longest=255),
            sync_id=self.sync.pk,
        )

    def _forget(self, copies: list[TagCopy]) -> None:
        """Forget the tags that are gone, and those that failed half-way: the target may have got them all the same."""
        half_way = {copy.tag for copy in copies if copy.action == TagCopy.Action.FAILED and copy.source_digest}
        gone = [copy.tag for copy in copies if copy.action == TagCopy.Action.DELETED]
        gone += half_way.intersection(self._remembered)
        for start in range(0, len(gone), BATCH):
            MirroredTag.objects.filter(mirror=self.sync.mirror_id, tag__in=gone[start : start + BATCH]).delete()

    def _saved(self, copies: int, tags: int) -> None:
        with self._lock:
            del self._copies[:copies]
            del self._tags[:tags]
            self._may_be_saved = False


def failures(outcomes: list[TagOutcome]) -> list[TagOutcome]:
    """The outcomes that failed."""
    return [outcome for outcome in outcomes if outcome.action == Action.FAILED]
