"""How syncs end when somebody cancels or leaves at that very moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from mirrors.models import Mirror, Sync, User
from mirrors.models.sync import Status, Trigger
from mirrors.oci import Code
from mirrors.services.syncs import schedules, sync_runs, syncs
from mirrors.services.syncs.sync_records import SyncRecords
from mirrors.services.syncs.sync_runs import Failure, Outcome

pytestmark = pytest.mark.django_db(transaction=True)

TROUBLE = Outcome("The source does not answer.", Failure(Code.TIMEOUT, None, retryable=True))


def running(mirror: Mirror, **values: object) -> Sync:
    """A sync that a worker has."""
    sync = Sync.objects.create(mirror=mirror, **values)
    assert sync.start(worker="w1", snapshot={})
    return sync


def test_a_sync_that_fails_just_as_it_is_cancelled_is_not_tried_again(mirror: Mirror, rung: list[int]) -> None:
    past = timezone.now() - timedelta(seconds=5)
    Mirror.objects.update(starts_at=past, next_sync_at=past)
    sync = running(mirror)
    syncs.cancel_sync(mirror)

    sync_runs._finish(sync, SyncRecords(sync), outcome=TROUBLE, verdict=None)

    row = Sync.objects.get()  # and no second one
    assert row.status == Status.FAILED
    assert Mirror.objects.get().next_sync_at > timezone.now()


def test_a_sync_whose_requester_is_gone_ends_as_any_other(mirror: Mirror, stranger: User, rung: list[int]) -> None:
    sync = running(mirror, trigger=Trigger.MANUAL, priority=Sync.MANUAL_PRIORITY, requested_by=stranger)
    sync = Sync.objects.select_related("mirror__repository__namespace").get(pk=sync.pk)
    User.objects.filter(pk=stranger.pk).delete()

    sync_runs._finish(sync, SyncRecords(sync), outcome=TROUBLE, verdict=None)

    failed, retry = Sync.objects.order_by("pk")
    assert (failed.status, retry.trigger, retry.requested_by) == (Status.FAILED, Trigger.RETRY, None)


def test_a_cancel_that_comes_while_the_sweep_is_at_work_is_heard(mirror: Mirror, rung: list[int]) -> None:
    running(mirror)
    Sync.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    listed = Sync.objects.get()
    syncs.cancel_sync(mirror)

    schedules._recover(listed, at=timezone.now())

    assert Sync.objects.get().status == Status.LOST  # and no recovery
