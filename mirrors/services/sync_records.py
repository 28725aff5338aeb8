"""What a running sync has done so far: gathered by the copy, written to the database by the heartbeat."""

from __future__ import annotations

import re
import threading
from typing import Any

from django.db import transaction

from mirrors.models import Sync, TagCopy
from mirrors.models.sync import Stage
from mirrors.oci import Action, Progress, TagOutcome

BATCH = 500
LONGEST_MESSAGE = 4000
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


class SyncRecords:
    """Counters and outcomes of one sync. The copy adds in its thread, the heartbeat reads and saves in another."""

    def __init__(self, sync: Sync) -> None:
        self.sync = sync
        self.progress = Progress()
        self.stage = Stage.LISTING
        self.tags_total = 0
        self._counts = dict.fromkeys(TagCopy.Action, 0)
        self._unsaved: list[TagCopy] = []
        self._lock = threading.Lock()

    def add(self, outcome: TagOutcome) -> None:
        """Take in the outcome of one tag."""
        self._append(
            TagCopy(
                sync=self.sync,
                tag=outcome.tag,
                action=TagCopy.Action(outcome.action.value),
                source_digest=outcome.source_digest or "",
                target_digest_before=outcome.target_digest_before or "",
                target_digest=outcome.target_digest or "",
                media_type=storable(outcome.media_type, longest=255),
                bytes_copied=outcome.bytes_copied,
                seconds=outcome.seconds,
                error_code=outcome.error.code if outcome.error else "",
                message=storable(outcome.error.message if outcome.error else outcome.reason),
            )
        )

    def add_deleted(self, tag: str) -> None:
        """Take in a tag that no longer matched and is gone."""
        self._append(
            TagCopy(sync=self.sync, tag=tag, action=TagCopy.Action.DELETED, message="It no longer matches any pattern.")
        )

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
            **{f"tags_{action.value}": count for action, count in counts.items()},
        }

    def save(self) -> None:
        """Write the outcomes that are not in the database yet; they stay here until that is committed."""
        with self._lock:
            batch = self._unsaved[:]
        if batch:
            # A tag whose commit was not heard of, because the connection broke, is not recorded twice.
            TagCopy.objects.bulk_create(batch, batch_size=BATCH, ignore_conflicts=True)
            transaction.on_commit(lambda: self._forget(len(batch)))

    @property
    def has_unsaved(self) -> bool:
        """Whether `save` has work."""
        return bool(self._unsaved)

    def _forget(self, count: int) -> None:
        with self._lock:
            del self._unsaved[:count]

    def _append(self, row: TagCopy) -> None:
        with self._lock:
            self._counts[TagCopy.Action(row.action)] += 1
            self._unsaved.append(row)


def storable(text: str, *, longest: int = LONGEST_MESSAGE) -> str:
    """The text as every database can hold it: what registries send may have NUL, lone surrogates, or no end."""
    return _NOT_STORABLE.sub("\ufffd", text[:longest])


def failures(outcomes: list[TagOutcome]) -> list[TagOutcome]:
    """The outcomes that failed."""
    return [outcome for outcome in outcomes if outcome.action == Action.FAILED]
