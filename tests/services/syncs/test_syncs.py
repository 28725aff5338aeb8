"""Asking for a sync and cancelling one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from mirrors.errors import AlreadySyncing, NotSyncing
from mirrors.models import Mirror, Sync, User
from mirrors.models.sync import Status, Trigger
from mirrors.services.syncs import syncs


def test_a_request_queues_a_sync_and_tells_the_workers(mirror: Mirror, owner: User, rung: list[int]) -> None:
    sync = syncs.request_sync(mirror, by=owner)

    assert (sync.status, sync.trigger, sync.requested_by) == (Status.QUEUED, Trigger.MANUAL, owner)
    assert sync.priority == Sync.MANUAL_PRIORITY
    assert rung == [sync.pk]


def test_a_request_works_on_a_disabled_mirror(mirror: Mirror, rung: list[int]) -> None:
    Mirror.objects.update(is_enabled=False)

    assert syncs.request_sync(mirror).status == Status.QUEUED


@pytest.mark.parametrize("trigger", [Trigger.SCHEDULE, Trigger.RETRY, Trigger.RECOVERY])
def test_a_request_brings_the_waiting_sync_forward_and_copies_all_that_match(
    mirror: Mirror, owner: User, rung: list[int], trigger: Trigger
) -> None:
    later = timezone.now() + timedelta(hours=1)
    waiting = Sync.objects.create(mirror=mirror, trigger=trigger, available_at=later, only_tags=["v1"])

    assert syncs.request_sync(mirror, by=owner) == waiting

    row = Sync.objects.get()
    assert (row.trigger, row.requested_by) == (Trigger.MANUAL, owner)
    assert row.available_at <= timezone.now()
    assert row.only_tags is None, "who asks for a sync wants all of it"
    assert rung == [waiting.pk]


def test_asking_twice_makes_one_sync(mirror: Mirror, owner: User, rung: list[int]) -> None:
    assert syncs.request_sync(mirror, by=owner) == syncs.request_sync(mirror)

    assert Sync.objects.get().requested_by == owner


def test_a_request_is_refused_while_a_sync_is_running(mirror: Mirror, rung: list[int]) -> None:
    running(mirror)

    with pytest.raises(AlreadySyncing, match=r"acme/app is being synced already\. Wait for it, or cancel it first\."):
        syncs.request_sync(mirror)

    assert rung == []


def test_cancelling_a_waiting_sync_ends_it_at_once_and_moves_on_to_the_next_slot(mirror: Mirror, owner: User) -> None:
    past = timezone.now() - timedelta(seconds=90)
    Mirror.objects.update(starts_at=past, next_sync_at=past, sync_interval=60)
    Sync.objects.create(mirror=mirror)

    sync = syncs.cancel_sync(mirror, by=owner)

    assert (sync.status, sync.message) == (Status.CANCELLED, "Cancelled by owner before it started.")
    assert Mirror.objects.get().next_sync_at == past + timedelta(seconds=120)


def test_cancelling_a_running_sync_asks_its_worker(mirror: Mirror) -> None:
    sync = running(mirror)

    syncs.cancel_sync(mirror)

    row = Sync.objects.get()
    assert (row.status, row.fence) == (Status.RUNNING, sync.fence)
    assert row.cancel_requested_at is not None


@pytest.mark.parametrize("end", [None, "succeed", "withdraw"])
def test_where_nothing_is_under_way_there_is_nothing_to_cancel(mirror: Mirror, end: str | None) -> None:
    if end == "succeed":
        running(mirror).succeed(message="Done.")
    elif end == "withdraw":
        Sync.objects.create(mirror=mirror).withdraw(message="Withdrawn.")

    with pytest.raises(NotSyncing, match="No sync of acme/app is queued or running"):
        syncs.cancel_sync(mirror)


def running(mirror: Mirror) -> Sync:
    """A sync that a worker has started."""
    sync = Sync.objects.create(mirror=mirror)
    assert sync.start(worker="w1", snapshot={})
    return sync
