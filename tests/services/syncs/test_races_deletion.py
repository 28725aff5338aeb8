"""Deleting a mirror while its worker and beat are writing."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from mirrors.errors import NotFound
from mirrors.models import Mirror, Repository, Sync, TagCopy
from mirrors.services.mirroring import mirrors
from mirrors.services.syncs import schedules
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def recording(mirror: Mirror) -> Iterator[Sync]:
    """A running sync whose worker records tags as fast as it can, until its lease is gone."""
    sync = Sync.objects.create(mirror=mirror)
    assert sync.start(worker="w1", snapshot={})
    ended = threading.Event()

    def record() -> None:
        numbers = itertools.count()
        try:
            while not ended.is_set():
                with transaction.atomic():
                    if not sync.renew():
                        return
                    for number in itertools.islice(numbers, 20):
                        TagCopy.objects.create(sync=sync, tag=f"v{number}", action="copied")
                time.sleep(0.02)  # SQLite lets others in only between transactions
        finally:
            connection.close()

    worker = threading.Thread(target=record)
    worker.start()
    yield sync
    ended.set()
    worker.join()


@pytest.mark.parametrize("number", range(8))
def test_a_mirror_is_deleted_while_its_worker_records_tags(recording: Sync, number: int) -> None:
    time.sleep(0.05 + number / 100)

    mirrors.delete_mirror(Mirror.objects.get())

    assert (Mirror.objects.count(), Sync.objects.count(), TagCopy.objects.count()) == (0, 0, 0)


def test_a_mirror_deleted_by_two_people_leaves_alone_what_was_set_up_between_them(
    mirror: Mirror, make_mirror: Callable[..., Mirror]
) -> None:
    late = Mirror.objects.get()
    mirrors.delete_mirror(mirror)
    make_mirror()

    with pytest.raises(NotFound, match="acme/app is not mirrored any more"):
        mirrors.delete_mirror(late)

    assert Repository.objects.get().state == Repository.State.MIRROR


def test_a_mirror_that_somebody_has_deleted_cannot_be_changed(mirror: Mirror) -> None:
    late = Mirror.objects.get()
    mirrors.delete_mirror(mirror)

    with pytest.raises(NotFound, match="acme/app is not mirrored any more"):
        mirrors.change_mirror(late, {"sync_interval": 60})


def test_a_mirror_is_deleted_while_beat_queues_its_syncs(mirror: Mirror, rung: list[int]) -> None:
    past = timezone.now() - timedelta(hours=1)
    Mirror.objects.update(starts_at=past, next_sync_at=past)
    deleted = threading.Event()
    faults: list[BaseException] = []

    def beat() -> None:
        try:
            while not deleted.is_set():
                schedules.enqueue_due_syncs()
                for sync in Sync.objects.active():
                    sync.withdraw(message="Taken back.")
        except BaseException as fault:  # a thread's fault reaches the test this way alone
            faults.append(fault)
        finally:
            connection.close()

    thread = threading.Thread(target=beat)
    thread.start()
    wait_until(Sync.objects.exists, every=0.01)
    mirrors.delete_mirror(Mirror.objects.get())
    deleted.set()
    thread.join()

    assert (Mirror.objects.count(), Sync.objects.count(), faults) == (0, 0, [])
