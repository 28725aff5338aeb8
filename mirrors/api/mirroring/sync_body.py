"""Syncs and their tags as the API shows them (ours: Quay has only the log)."""

from __future__ import annotations

from typing import Any

from mirrors.api.dates import date
from mirrors.api.mirroring.mirror_body import ERROR_OF_SYNC, error_body
from mirrors.api.operations import DATE, INTEGER, STRING, answer, or_null
from mirrors.models import Sync, TagCopy
from mirrors.models.sync import Stage, Status, Trigger

RATE_LIMIT = answer(
    {"limit": or_null(INTEGER), "remaining": INTEGER, "window": or_null({"type": "number"})},
    {"source": or_null(STRING)},
)
REFERRERS = answer({"copied": INTEGER, "failed": INTEGER})
COUNTS = ("copied", "unchanged", "skipped", "failed", "deleted")
SYNC_PROPERTIES = {
    "id": INTEGER,
    "status": {"type": "string", "enum": list(Status)},
    "trigger": {"type": "string", "enum": list(Trigger)},
    "attempt": INTEGER,
    "requested_by": or_null(STRING),
    "created": or_null(DATE),
    "started": or_null(DATE),
    "finished": or_null(DATE),
    "stage": or_null({"type": "string", "enum": [stage for stage in Stage if stage]}),
    "message": STRING,
    "error": or_null(ERROR_OF_SYNC),
    "tag_counts": answer({"total": INTEGER, **dict.fromkeys(COUNTS, INTEGER)}),
    "referrers": REFERRERS,
    "rate_limit": or_null(RATE_LIMIT),
    "bytes_copied": INTEGER,
    "bytes_expected": INTEGER,
    "restores": or_null(answer({"tag": STRING, "manifest_digest": STRING})),
}
SYNC_BODY = answer(SYNC_PROPERTIES)
TAG_BODY = answer(
    {
        "tag": STRING,
        "action": {"type": "string", "enum": list(TagCopy.Action)},
        "source_digest": or_null(STRING),
        "target_digest_before": or_null(STRING),
        "target_digest": or_null(STRING),
        "media_type": or_null(STRING),
        "bytes_copied": INTEGER,
        "referrers": REFERRERS,
        "seconds": {"type": "number"},
        "error_code": or_null(STRING),
        "message": STRING,
    }
)


def sync_body(sync: Sync) -> dict[str, Any]:
    """One sync; while it runs the counts grow."""
    return {
        "id": sync.pk,
        "status": sync.status,
        "trigger": sync.trigger,
        "attempt": sync.attempt,
        "requested_by": sync.requested_by.username if sync.requested_by else None,
        "created": date(sync.created_at),
        "started": date(sync.started_at),
        "finished": date(sync.finished_at),
        "stage": sync.stage or None,
        "message": sync.message,
        "error": error_body(sync) if sync.error_code else None,
        "tag_counts": {"total": sync.tags_total} | {name: getattr(sync, f"tags_{name}") for name in COUNTS},
        "referrers": {"copied": sync.referrers_copied, "failed": sync.referrers_failed},
        "rate_limit": sync.rate_limit,
        "bytes_copied": sync.bytes_copied,
        "bytes_expected": sync.bytes_expected,
        "restores": _restored(sync),
    }


def tag_body(tag: TagCopy) -> dict[str, Any]:
    """What became of one tag; a digest that is not known is null."""
    return {
        "tag": tag.tag,
        "action": tag.action,
        "source_digest": tag.source_digest or None,
        "target_digest_before": tag.target_digest_before or None,
        "target_digest": tag.target_digest or None,
        "media_type": tag.media_type or None,
        "bytes_copied": tag.bytes_copied,
        "referrers": {"copied": tag.referrers_copied, "failed": tag.referrers_failed},
        "seconds": tag.seconds,
        "error_code": tag.error_code or None,
        "message": tag.message,
    }


def _restored(sync: Sync) -> dict[str, str] | None:
    restores = sync.restores
    return restores and {"tag": restores["tag"], "manifest_digest": restores["target_digest"]}
