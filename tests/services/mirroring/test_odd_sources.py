"""What registries may say that no database can hold, and pauses that no calendar can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirrors.models import Mirror, Sync, TagCopy
from mirrors.models.sync import Status
from mirrors.oci import Action, Code, TagOutcome
from mirrors.sample.images import small_image
from mirrors.services.syncs import schedules, sync_runs
from mirrors.services.syncs.sync_records import SyncRecords
from tests.registry import FaultyRegistry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def source() -> Iterator[FaultyRegistry]:
    """A registry to put images in."""
    with FaultyRegistry() as registry:
        yield registry


@pytest.fixture
def mirror(source: FaultyRegistry, mirror: Mirror, store_dir: Path, rung: list[int]) -> Mirror:
    """A mirror of that registry into the built-in store."""
    mirror.source_reference, mirror.verify_tls = f"{source.address}/team/app", False
    mirror.save()
    return mirror


@pytest.mark.parametrize("architecture", ["\0", "x" * 100_000], ids=["nul", "endless"])
def test_an_image_that_names_an_odd_architecture_is_skipped_in_words_the_database_can_hold(
    mirror: Mirror, source: FaultyRegistry, architecture: str
) -> None:
    source.repository("team/app").put(small_image(1, architecture=architecture), tag="v1")
    Mirror.objects.update(platforms=["amd64"])
    sync = Sync.objects.create(mirror=mirror)

    sync_runs.run_sync(sync.pk)

    sync.refresh_from_db()
    assert (sync.status, sync.tags_skipped) == (Status.SUCCEEDED, 1)
    assert TagCopy.objects.get().action == "skipped"
    assert len(TagCopy.objects.get().message) < 5000


def test_every_text_of_an_outcome_fits_its_column(mirror: Mirror) -> None:
    sync = Sync.objects.create(mirror=mirror)
    assert sync.start(worker="w1", snapshot={})
    records = SyncRecords(sync)
    records.add(TagOutcome("v1", Action.COPIED, media_type="application/\udcff\0" + "x" * 300))

    records.save()

    assert TagCopy.objects.get().media_type.startswith("application/\ufffd\ufffdxxx")


@pytest.mark.parametrize("asked", ["1e15", "9" * 30])
def test_a_pause_longer_than_any_calendar_ends_in_an_ordinary_retry(
    mirror: Mirror, source: FaultyRegistry, asked: str
) -> None:
    source.fail("GET", "/tags/list", status=429, headers={"Retry-After": asked}, times=9)
    sync = Sync.objects.create(mirror=mirror)

    sync_runs.run_sync(sync.pk)

    failed, retry = Sync.objects.order_by("pk")
    assert (failed.status, failed.error_code) == (Status.FAILED, Code.RATE_LIMITED)
    assert retry.available_at - failed.finished_at < schedules.LONGEST_DELAY * 1.01


def test_what_the_heartbeat_cannot_write_stops_the_copy(
    mirror: Mirror, source: FaultyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.repository("team/app").put(small_image(1), tag="v1")
    source.switches.delay = 2

    def fail(records: SyncRecords) -> None:
        raise ValueError("A string literal cannot contain NUL (0x00) characters.")

    monkeypatch.setattr(SyncRecords, "has_unsaved", True)
    monkeypatch.setattr(SyncRecords, "save", fail)
    sync = Sync.objects.create(mirror=mirror)

    sync_runs.run_sync(sync.pk)

    # Nobody renews the lease any more: whoever finds it expired goes on, and this worker has let go.
    assert Sync.objects.get().status == Status.RUNNING
    assert source.count("GET", "/blobs/") == 0
