"""What a sync leaves in the audit log, with Quay's kinds, verbs and metadata."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mirrors.errors import NotSyncing
from mirrors.models import LogEntry, Mirror, Sync, TagCopy, User
from mirrors.oci import Action, TagOutcome
from mirrors.services.syncs import schedules, sync_log, sync_runs, syncs
from mirrors.services.syncs.sync_records import SyncRecords
from tests.registry import FaultyRegistry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mirror(source: FaultyRegistry, mirror: Mirror, store_dir: Path, rung: list[int]) -> Mirror:
    """A mirror of that registry into the built-in store."""
    mirror.source_reference = f"{source.address}/team/app"
    mirror.verify_tls = False
    mirror.tag_patterns = ["v*", "latest"]
    mirror.save()
    return mirror


def run(mirror: Mirror, **values: Any) -> Sync:
    sync = Sync.objects.create(mirror=mirror, **values)
    sync_runs.run_sync(sync.pk, worker="w1")
    sync.refresh_from_db()
    return sync


def kinds() -> list[tuple[str, str, str]]:
    return [(entry.kind, entry.metadata["verb"], entry.metadata["tag"]) for entry in LogEntry.objects.order_by("pk")]


def test_a_sync_logs_its_start_each_tag_it_copies_and_its_end(mirror: Mirror) -> None:
    sync = run(mirror)

    first, *of_tags, last = kinds()
    assert (first, last) == (("repo_mirror_sync_started", "start", ""), ("repo_mirror_sync_success", "end", ""))
    assert sorted(of_tags) == [
        ("repo_mirror_sync_tag_success", "finish", "v1"),
        ("repo_mirror_sync_tag_success", "finish", "v2"),
    ]
    entry = LogEntry.objects.get(kind="repo_mirror_sync_success")
    assert (entry.performer_name, entry.ip) == ("acme+mirror", None)
    assert entry.metadata == {
        "namespace": "acme",
        "repo": "app",
        "verb": "end",
        "message": f"'{mirror.source_reference}' with tag pattern 'v*,latest'",
        "tag": "",
        "tags": entry.metadata["tags"],
        "stdout": "Tags: 2 copied.",
        "stderr": "",
        "sync_id": sync.pk,
    }
    assert sorted(entry.metadata["tags"].split(", ")) == ["v1", "v2"]


def test_unchanged_tags_leave_no_entries(mirror: Mirror) -> None:
    run(mirror)
    LogEntry.objects.all().delete()

    run(mirror)

    assert [kind for kind, _, _ in kinds()] == ["repo_mirror_sync_started", "repo_mirror_sync_success"]


def test_a_failed_tag_has_its_entry_and_the_sync_is_partial(mirror: Mirror, source: FaultyRegistry) -> None:
    source.fail("HEAD", "/manifests/v2", status=503, times=4)

    run(mirror)

    failed = LogEntry.objects.get(kind="repo_mirror_sync_tag_failed")
    assert (failed.metadata["tag"], failed.metadata["verb"]) == ("v2", "finish")
    assert "503" in failed.metadata["stderr"]
    end = LogEntry.objects.get(kind="repo_mirror_sync_failed")
    assert end.metadata["message"].endswith(": PARTIAL SYNC")
    assert sorted(end.metadata["tags"].split(", ")) == ["v1", "v2(FAILED)"]
    assert end.metadata["stderr"].startswith("1 of 2 tags failed")


def test_a_listing_that_fails_is_told_in_the_message(mirror: Mirror, source: FaultyRegistry) -> None:
    source.fail("GET", "/tags/list", status=401, times=9)

    sync = run(mirror)

    end = LogEntry.objects.get(kind="repo_mirror_sync_failed")
    assert (end.metadata["verb"], end.metadata["tags"]) == ("end", "")
    assert end.metadata["message"].endswith(f": {sync.message}")


def test_where_no_tag_matched_the_end_says_so(mirror: Mirror) -> None:
    Mirror.objects.update(tag_patterns=["nothing-*"])

    run(mirror)

    assert LogEntry.objects.get(kind="repo_mirror_sync_success").metadata["tags"] == "No tags matched"


def test_a_tag_that_no_longer_matches_is_logged_as_deleted(mirror: Mirror) -> None:
    run(mirror)
    LogEntry.objects.all().delete()
    Mirror.objects.update(tag_patterns=["v1"])

    run(mirror)

    assert ("delete_tag", "delete", "v2") in kinds()


def test_a_cancelled_sync_has_failed_with_the_verb_cancelled(mirror: Mirror) -> None:
    sync = Sync.objects.create(mirror=mirror)
    assert sync.start(worker="w1", snapshot=mirror.snapshot())
    assert sync.cancel(message="Cancelled while it was running. No tags were deleted.")

    sync_log.record_end(sync)

    assert kinds() == [("repo_mirror_sync_failed", "Cancelled", "")]


def test_a_sync_whose_worker_died_has_failed_with_the_verb_lost(mirror: Mirror) -> None:
    sync = Sync.objects.create(mirror=mirror)
    assert sync.start(worker="w1", snapshot=mirror.snapshot())
    Sync.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))

    schedules.sweep()
    schedules.sweep()

    assert kinds() == [("repo_mirror_sync_failed", "lost", "")]
    assert "stopped renewing its lease" in LogEntry.objects.get().metadata["message"]


def test_a_sync_that_never_started_leaves_only_the_request_and_the_cancel(mirror: Mirror, owner: User) -> None:
    syncs.request_sync(mirror, by=owner)
    syncs.cancel_sync(mirror, by=owner)
    with pytest.raises(NotSyncing):
        syncs.cancel_sync(mirror, by=owner)

    entries = LogEntry.objects.order_by("pk")
    assert [(entry.kind, entry.performer, entry.metadata["to"]) for entry in entries] == [
        ("repo_mirror_config_changed", owner, "SYNC_NOW"),
        ("repo_mirror_config_changed", owner, "SYNC_CANCEL"),
    ]
    assert {entry.metadata["changed"] for entry in entries} == {"sync_status"}


def test_the_tags_of_a_batch_are_logged_in_few_statements(mirror: Mirror) -> None:
    sync = Sync.objects.select_related("mirror__repository__namespace", "mirror__robot__namespace").get(
        pk=Sync.objects.create(mirror=mirror).pk
    )
    records = SyncRecords(sync)
    for tag in range(300):
        records.add(TagOutcome(tag=str(tag), action=Action.COPIED))

    with CaptureQueriesContext(connection) as queries:
        records.save()

    # SQLite takes no more than some 80 rows in a statement.
    assert sum("mirrors_logentry" in query["sql"] for query in queries) <= 4
    assert LogEntry.objects.count() == 300


def test_a_batch_whose_commit_was_not_heard_of_is_not_logged_twice(mirror: Mirror) -> None:
    sync = Sync.objects.create(mirror=mirror)
    records = SyncRecords(sync)
    records.add(TagOutcome(tag="v1", action=Action.COPIED))
    records._saved = lambda *_: None  # type: ignore[method-assign] # the connection broke just then

    records.save()
    records.add(TagOutcome(tag="v2", action=Action.COPIED))
    records.save()

    assert [tag for _, _, tag in kinds()] == ["v1", "v2"]
    assert TagCopy.objects.count() == 2


def test_the_end_names_no_more_tags_than_fit(mirror: Mirror) -> None:
    records = SyncRecords(Sync.objects.create(mirror=mirror))
    for number in range(sync_log.TAGS_NAMED + 5):
        records.add(TagOutcome(tag=f"v{number}", action=Action.COPIED))

    assert len(records.named_tags) == sync_log.TAGS_NAMED
