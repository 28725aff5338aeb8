"""What a sync leaves in the audit log: its start, each tag it changed or could not copy, its end.

Kinds and metadata are Quay's: `message` names source and patterns, `tag` and `tags` what it was about. There is no
skopeo whose output could be kept; `stdout` and `stderr` hold the same in words. Tags that were equal have no entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mirrors.models import LogEntry, Sync, TagCopy
from mirrors.models.sync import Status
from mirrors.services.logs import log_entries

TAGS_NAMED = 100
"""Tags that the entry of a sync's end names; the sync's own page has them all."""

_OF_ACTION = {
    TagCopy.Action.COPIED: "repo_mirror_sync_tag_success",
    TagCopy.Action.FAILED: "repo_mirror_sync_tag_failed",
    TagCopy.Action.DELETED: "delete_tag",
}
_OF_END = {
    Status.SUCCEEDED: ("repo_mirror_sync_success", "end"),
    Status.FAILED: ("repo_mirror_sync_failed", "end"),
    Status.CANCELLED: ("repo_mirror_sync_failed", "Cancelled"),
    Status.LOST: ("repo_mirror_sync_failed", "lost"),
}


def record_start(sync: Sync) -> None:
    """Log that the sync has started."""
    _entry(sync, "repo_mirror_sync_started", verb="start", message=message_of(sync)).save()


def record_end(sync: Sync, *, tags: Iterable[str] = ()) -> None:
    """Log how the sync ended, with these tags: call it once the sync has reached its final status."""
    kind, verb = _OF_END[Status(sync.status)]
    succeeded = sync.status == Status.SUCCEEDED
    named = ", ".join(tags) or ("No tags matched" if succeeded and not sync.tags_total else "")
    output = {"stdout" if succeeded else "stderr": sync.message}
    _entry(sync, kind, verb=verb, message=message_of(sync), tags=named, **output).save()


def record_tags(sync: Sync, copies: Iterable[TagCopy]) -> None:
    """Log the tags among these that were changed or could not be copied, in few statements."""
    of_tags = [_entry_of_tag(sync, copy) for copy in copies if copy.action in _OF_ACTION]
    log_entries.record_all(of_tags)


def message_of(sync: Sync) -> str:
    """Source and patterns of the sync as Quay writes them; after the end with what became of it, unless it succeeded.

    `'registry.example.com/team/app' with tag pattern 'v1.*,latest'`, which notifications say too.
    """
    configuration = _configuration(sync)
    patterns = ",".join(configuration["tag_patterns"])
    message = f"'{configuration['source_reference']}' with tag pattern '{patterns}'"
    if sync.status not in (Status.FAILED, Status.CANCELLED, Status.LOST):
        return message
    is_partial = sync.status == Status.FAILED and 0 < sync.tags_failed < sync.tags_total
    return f"{message}: {'PARTIAL SYNC' if is_partial else sync.message}"


def named_tag(copy: TagCopy) -> str:
    """The tag as the entry of the end names it."""
    return f"{copy.tag}(FAILED)" if copy.action == TagCopy.Action.FAILED else copy.tag


def _configuration(sync: Sync) -> dict[str, Any]:
    """What it runs with; before it starts, what it would run with."""
    return sync.snapshot or sync.mirror.snapshot()


def _entry_of_tag(sync: Sync, copy: TagCopy) -> LogEntry:
    failed = copy.action == TagCopy.Action.FAILED
    verb = "delete" if copy.action == TagCopy.Action.DELETED else "finish"
    source = f"Source '{_configuration(sync)['source_reference']}:{copy.tag}'"
    output = {"stderr" if failed else "stdout": copy.message}
    return _entry(sync, _OF_ACTION[TagCopy.Action(copy.action)], verb=verb, message=source, tag=copy.tag, **output)


def _entry(sync: Sync, kind: str, **metadata: Any) -> LogEntry:
    empty = {"tag": "", "tags": "", "stdout": "", "stderr": ""}
    mirror = sync.mirror
    return log_entries.entry_of(
        kind, repository=mirror.repository, performer=mirror.robot, **empty | metadata, sync_id=sync.pk
    )
