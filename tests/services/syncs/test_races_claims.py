"""What happens between a decision and its effect: claims, requests, switches, the list of what is due."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from mirrors.errors import AlreadySyncing
from mirrors.models import Mirror, Sync
from mirrors.models.sync import Status, Trigger
from mirrors.services.mirroring import mirrors
from mirrors.services.syncs import schedules, sync_runs, syncs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def due(mirror: Mirror) -> Mirror:
    """A mirror whose time has come."""
    past = timezone.now() - timedelta(seconds=5)
    Mirror.objects.filter(pk=mirror.pk).update(starts_at=past, next_sync_at=past, sync_interval=3600)
    mirror.refresh_from_db()
    return mirror


def test_a_sync_cannot_be_brought_forward_while_it_is_claimed_as_it_was(
    mirror: Mirror, rung: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    retry = Sync.objects.create(mirror=mirror, trigger=Trigger.RETRY, only_tags=["v1"], attempt=2)
    start, answers = Sync.start, list[str]()

    def request() -> None:
        try:
            syncs.request_sync(mirror)
            answers.append("It will copy all tags.")
        except AlreadySyncing as error:
            answers.append(error.message)
        finally:
            connection.close()

    person = threading.Thread(target=request)

    def start_late(sync: Sync, **values: Any) -> bool:
        person.start()
        time.sleep(0.5)
        return start(sync, **values)

    monkeypatch.setattr(Sync, "start", start_late)

    claimed = sync_runs._claimed(retry.pk, worker="w1")

    person.join()
    assert claimed is not None
    assert claimed.only_tags == Sync.objects.get().only_tags == ["v1"]
    assert answers == ["acme/app is being synced already. Wait for it, or cancel it first."]


def test_a_sync_that_the_schedule_queued_just_as_the_mirror_was_disabled_is_not_run(
    due: Mirror, rung: list[int]
) -> None:
    listed = Mirror.objects.get(pk=due.pk)  # beat has read what is due ...
    mirrors.change_mirror(due, {"is_enabled": False})  # ... then somebody switches it off
    sync = Sync.objects.create(mirror=listed)

    sync_runs.run_sync(sync.pk)

    sync.refresh_from_db()
    assert (sync.status, sync.message) == (Status.CANCELLED, "The mirror was disabled before the sync started.")
    assert Mirror.objects.get().next_sync_at > timezone.now()


def test_a_mirror_that_was_synced_since_the_list_of_what_is_due_was_read_is_not_synced_again(
    due: Mirror, rung: list[int]
) -> None:
    listed = Mirror.objects.get(pk=due.pk)
    sync = syncs.request_sync(due)
    assert sync.start(worker="w1", snapshot={})
    sync.succeed(message="Tags: 1 copied.")
    schedules.advance(due)

    assert schedules._enqueue_due(listed) is False

    assert Sync.objects.count() == 1


def test_a_mirror_that_was_disabled_since_the_list_of_what_is_due_was_read_is_left_alone(
    due: Mirror, rung: list[int]
) -> None:
    listed = Mirror.objects.get(pk=due.pk)
    mirrors.change_mirror(due, {"is_enabled": False})

    assert schedules._enqueue_due(listed) is False

    assert Sync.objects.count() == 0


def test_a_mirror_that_is_gone_since_the_list_of_what_is_due_was_read_is_no_fault(due: Mirror, rung: list[int]) -> None:
    listed = Mirror.objects.get(pk=due.pk)
    mirrors.delete_mirror(due)

    assert schedules._enqueue_due(listed) is False


def test_a_due_time_that_somebody_sets_just_as_a_sync_ends_stays(due: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    next_week = timezone.now().replace(microsecond=0) + timedelta(days=7)
    next_slot = Mirror.next_slot

    def edited_meanwhile(mirror: Mirror, after: datetime) -> datetime:
        mirrors.change_mirror(Mirror.objects.get(), {"starts_at": next_week})
        return next_slot(mirror, after)

    monkeypatch.setattr(Mirror, "next_slot", edited_meanwhile)

    schedules.advance(due)

    assert Mirror.objects.get().next_sync_at == next_week


def test_a_message_delivered_to_six_workers_at_once_starts_one(mirror: Mirror, rung: list[int]) -> None:
    sync = Sync.objects.create(mirror=mirror)
    claims: list[Sync] = []
    ready = threading.Barrier(6)

    def claim(worker: str) -> None:
        try:
            ready.wait()
            if claimed := sync_runs._claimed(sync.pk, worker=worker):
                claims.append(claimed)
        finally:
            connection.close()

    workers = [threading.Thread(target=claim, args=[f"w{number}"]) for number in range(6)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()

    assert [claimed.worker for claimed in claims] == [Sync.objects.get().worker]
    assert Sync.objects.get().fence == 1
