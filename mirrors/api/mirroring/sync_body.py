"""Syncs and their tags as the API shows them (ours: Quay has only the log)."""

from __future__ import annotations

from typing import Any

from mirrors.api.dates import date
from mirrors.api.mirroring.mirror_body import error_body
from mirrors.models import Sync, TagCopy


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
        "tag_counts": {
            "total": sync.tags_total,
            "copied": sync.tags_copied,
            "unchanged": sync.tags_unchanged,
            "skipped": sync.tags_skipped,
            "failed": sync.tags_failed,
            "deleted": sync.tags_deleted,
        },
        "referrers": {"copied": sync.referrers_copied, "failed": sync.referrers_failed},
        "rate_limit": sync.rate_limit,
        "bytes_copied": sync.bytes_copied,
        "bytes_expected": sync.bytes_expected,
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
