"""What runs now and then: garbage collection spares what a sync may need, and history is forgotten after its time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from mirrors.models import Mirror, Repository, Sync, TagCopy
from mirrors.oci import StoredRepository
from mirrors.sample.images import small_image, store_image
from mirrors.services.syncs import connections, upkeep

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
async def stored(store_dir: Path) -> StoredRepository:
    """A repository with the tag kept, and content that no tag reaches any more; all of it a day old."""
    repository = StoredRepository(connections.store(), "acme/app")
    for number, tag in enumerate(("kept", "gone")):
        await store_image(small_image(number), repository, tag=tag)
    await repository.delete_tag("gone")
    make_old(store_dir)
    return repository


def test_garbage_is_what_no_tag_reaches(repository: Repository, stored: StoredRepository, store_dir: Path) -> None:
    before = size_of(store_dir)

    report = upkeep.collect_garbage()

    assert report.blobs_removed == len(small_image(1).blobs) + 1
    assert report.bytes_freed > 0
    assert size_of(store_dir) < before
    assert connections.store().tags("acme/app") == ["kept"]


def test_content_of_a_repository_that_does_not_exist_any_more_goes_unless_it_is_young(
    repository: Repository, stored: StoredRepository, store_dir: Path
) -> None:
    repository.delete()
    touched = store_dir / "repositories/acme/app/_tags/kept"
    touched.touch()
    upkeep.collect_garbage()
    assert connections.store().tags("acme/app") == ["kept"]

    make_old(store_dir)
    upkeep.collect_garbage()

    assert not connections.store().has_repository("acme/app")


def test_what_a_running_sync_may_have_written_is_spared(stored: StoredRepository, mirror: Mirror) -> None:
    sync = Sync.objects.create(mirror=mirror)
    sync.start(worker="w1", snapshot={})
    Sync.objects.update(started_at=timezone.now() - 2 * DAY)

    assert upkeep.collect_garbage().blobs_removed == 0

    sync.succeed(message="Done.")
    assert upkeep.collect_garbage().blobs_removed > 0


def test_syncs_are_forgotten_after_their_days_but_each_mirrors_last_and_what_is_under_way(
    make_mirror: Callable[..., Mirror], settings: Settings
) -> None:
    settings.HISTORY_DAYS = 10
    busy, idle = make_mirror("busy"), make_mirror("idle")
    old, older, fresh = ended(busy, days=11), ended(busy, days=12), ended(busy, days=9)
    only = ended(idle, days=400)
    waiting = Sync.objects.create(mirror=idle)

    assert upkeep.forget_old_syncs() == 2

    assert set(Sync.objects.all()) == {fresh, only, waiting}
    assert not TagCopy.objects.filter(sync__in=[old.pk, older.pk]).exists()
    assert TagCopy.objects.count() == 2


def test_the_last_complete_success_is_kept_because_later_syncs_compare_their_scope_with_it(
    mirror: Mirror, settings: Settings
) -> None:
    settings.HISTORY_DAYS = 10
    ended(mirror, days=50, tags_total=1)
    success = ended(mirror, days=40, tags_total=1)
    of_some = ended(mirror, days=35, tags_total=1)
    Sync.objects.filter(pk=of_some.pk).update(only_tags=["v1"])
    failed = [ended(mirror, days=days) for days in (30, 20)]
    Sync.objects.filter(pk__in=[sync.pk for sync in failed]).update(status="failed")

    assert upkeep.forget_old_syncs() == 3

    assert set(Sync.objects.all()) == {success, failed[-1]}


def test_what_was_equal_in_old_syncs_is_not_read_to_be_forgotten(mirror: Mirror, settings: Settings) -> None:
    settings.HISTORY_DAYS = 10
    for _ in range(2):
        ended(mirror, days=20)
    with CaptureQueriesContext(connection) as queries:
        assert upkeep.forget_old_syncs() == 1
    assert not any("unchanged_tags" in query["sql"] for query in queries)


def make_old(directory: Path) -> None:
    """As if nobody had touched anything for a day."""
    yesterday = time.time() - DAY.total_seconds()
    for path in directory.rglob("*"):
        os.utime(path, (yesterday, yesterday))


def ended(mirror: Mirror, *, days: int, tags_total: int = 0) -> Sync:
    """A sync of one tag that succeeded some days ago."""
    sync = Sync.objects.create(mirror=mirror)
    sync.start(worker="w1", snapshot={})
    sync.succeed(message="Done.", tags_total=tags_total)
    Sync.objects.filter(pk=sync.pk).update(finished_at=timezone.now() - days * DAY)
    TagCopy.objects.create(sync=sync, tag="v1", action="copied")
    return sync


def size_of(directory: Path) -> int:
    """Bytes in all files below."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
