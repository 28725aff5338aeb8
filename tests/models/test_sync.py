"""The state machine of a sync: every arrow that is drawn works, every other changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from mirrors.models import Mirror, Sync
from mirrors.models.sync import Stage, Status, Trigger
from mirrors.oci import Code, Side

pytestmark = pytest.mark.django_db

PAST = timedelta(days=1)
FINAL = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.LOST)

ARROWS: dict[str, Callable[[Sync], bool]] = {
    "start": lambda sync: sync.start(worker="w2", snapshot={"tag_patterns": ["*"]}),
    "renew": lambda sync: sync.renew(bytes_copied=5),
    "request_cancel": lambda sync: sync.request_cancel(),
    "promote": lambda sync: sync.promote(by=None),
    "succeed": lambda sync: sync.succeed(message="Done.", tags_copied=3),
    "fail": lambda sync: sync.fail(code=Code.DNS, side=Side.SOURCE, message="No such host."),
    "withdraw": lambda sync: sync.withdraw(message="Withdrawn."),
    "cancel": lambda sync: sync.cancel(message="Cancelled."),
    "lose": lambda sync: sync.lose(at=timezone.now() + PAST, message="Lost."),
}

ALLOWED = {
    Status.QUEUED: {"start": Status.RUNNING, "promote": Status.QUEUED, "withdraw": Status.CANCELLED},
    Status.RUNNING: {
        "renew": Status.RUNNING,
        "request_cancel": Status.RUNNING,
        "succeed": Status.SUCCEEDED,
        "fail": Status.FAILED,
        "cancel": Status.CANCELLED,
        "lose": Status.LOST,
    },
}


def sync_in(status: Status, mirror: Mirror) -> Sync:
    """A sync that has come to this state along the arrows."""
    sync = Sync.objects.create(mirror=mirror)
    if status != Status.QUEUED:
        assert sync.start(worker="w1", snapshot={})
    end = {Status.SUCCEEDED: "succeed", Status.FAILED: "fail", Status.CANCELLED: "cancel", Status.LOST: "lose"}
    if status in end:
        assert ARROWS[end[status]](sync)
    return Sync.objects.get(pk=sync.pk)


def columns(sync: Sync) -> dict[str, Any]:
    """The row as it is in the database."""
    return Sync.objects.filter(pk=sync.pk).values().get()


@pytest.mark.parametrize("arrow", ARROWS)
@pytest.mark.parametrize("status", Status)
def test_an_arrow_works_where_it_is_drawn_and_changes_nothing_elsewhere(
    mirror: Mirror, status: Status, arrow: str
) -> None:
    sync = sync_in(status, mirror)
    before = columns(sync)

    moved = ARROWS[arrow](sync)

    after = columns(sync)
    if arrow in ALLOWED.get(status, {}):
        assert moved
        assert after["status"] == ALLOWED[status][arrow]
        assert after != before
    else:
        assert not moved
        assert after == before


@pytest.mark.parametrize("arrow", ["renew", "succeed", "fail", "cancel", "lose"])
def test_a_worker_whose_fence_is_old_changes_nothing(mirror: Mirror, arrow: str) -> None:
    late = sync_in(Status.RUNNING, mirror)
    Sync.objects.filter(pk=late.pk).update(fence=late.fence + 1)
    before = columns(late)

    assert not ARROWS[arrow](late)

    assert columns(late) == before


def test_start_gives_a_fresh_fence_a_lease_and_the_snapshot(mirror: Mirror, settings: Settings) -> None:
    sync = sync_in(Status.QUEUED, mirror)
    now = timezone.now()

    assert sync.start(worker="w1", snapshot={"tag_patterns": ["v*"]})

    row = Sync.objects.get(pk=sync.pk)
    assert (row.fence, sync.fence, row.worker, row.snapshot) == (1, 1, "w1", {"tag_patterns": ["v*"]})
    assert row.started_at is not None
    assert row.started_at >= now
    assert row.lease_expires_at == row.started_at + settings.LEASE


def test_renew_extends_the_lease_and_records_progress(mirror: Mirror) -> None:
    sync = sync_in(Status.RUNNING, mirror)
    Sync.objects.update(lease_expires_at=timezone.now() - PAST)

    assert sync.renew(bytes_copied=7, stage=Stage.COPYING)

    row = Sync.objects.get(pk=sync.pk)
    assert (row.bytes_copied, row.stage) == (7, Stage.COPYING)
    assert row.lease_expires_at is not None
    assert row.lease_expires_at > timezone.now()
    assert not Sync.objects.lease_expired(timezone.now()).exists()


def test_a_lease_that_was_renewed_in_time_cannot_be_taken(mirror: Mirror) -> None:
    sync = sync_in(Status.RUNNING, mirror)

    assert not sync.lose(at=timezone.now(), message="Lost.")

    assert Sync.objects.get(pk=sync.pk).status == Status.RUNNING


@pytest.mark.parametrize("status", FINAL)
def test_an_end_gives_the_lease_back_and_says_when_and_why(mirror: Mirror, status: Status) -> None:
    row = sync_in(status, mirror)

    assert row.finished_at is not None
    assert (row.lease_expires_at, row.stage) == (None, Stage.NONE)
    assert row.message
    assert (
        row.error_code
        == {
            Status.SUCCEEDED: "",
            Status.FAILED: Code.DNS,
            Status.CANCELLED: Code.CANCELLED,
            Status.LOST: Code.LOST,
        }[Status(status)]
    )


def test_promote_brings_a_queued_sync_forward(mirror: Mirror, make_user: Callable[..., Any]) -> None:
    ada = make_user("ada")
    sync = Sync.objects.create(
        mirror=mirror, trigger=Trigger.RETRY, available_at=timezone.now() + PAST, rung_at=timezone.now()
    )

    assert sync.promote(by=ada.pk)

    row = Sync.objects.get(pk=sync.pk)
    assert (row.trigger, row.priority, row.requested_by) == (Trigger.MANUAL, Sync.MANUAL_PRIORITY, ada)
    assert row.available_at <= timezone.now()
    assert row.rung_at is None


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
def test_a_mirror_has_one_active_sync_at_most(
    mirror: Mirror, make_mirror: Callable[..., Mirror], status: Status
) -> None:
    sync_in(status, mirror)

    with pytest.raises(IntegrityError), transaction.atomic():
        Sync.objects.create(mirror=mirror)

    Sync.objects.create(mirror=make_mirror("other"))


@pytest.mark.parametrize("status", FINAL)
def test_after_an_end_a_mirror_may_have_another_sync(mirror: Mirror, status: Status) -> None:
    sync_in(status, mirror)

    Sync.objects.create(mirror=mirror)

    assert mirror.syncs.count() == 2


@pytest.mark.parametrize(
    ("status", "assignment"),
    [
        (Status.QUEUED, "status = 'sleeping'"),
        (Status.QUEUED, "status = 'running'"),
        (Status.QUEUED, "status = 'succeeded'"),
        (Status.RUNNING, "lease_expires_at = NULL"),
        (Status.RUNNING, "started_at = NULL"),
        (Status.RUNNING, "fence = 0"),
        (Status.SUCCEEDED, "finished_at = NULL"),
        (Status.SUCCEEDED, "status = 'queued'"),
    ],
)
def test_the_database_refuses_what_the_state_machine_does_not_know(
    mirror: Mirror, status: Status, assignment: str
) -> None:
    sync_in(status, mirror)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE mirrors_sync SET {assignment}")


def test_unheard_syncs_are_queued_ready_and_not_announced_lately_the_asked_for_first(
    make_mirror: Callable[..., Mirror],
) -> None:
    now = timezone.now()
    minute = timedelta(minutes=1)
    silent = Sync.objects.create(mirror=make_mirror("silent"), available_at=now - minute)
    long_ago = Sync.objects.create(mirror=make_mirror("long-ago"), available_at=now, rung_at=now - 2 * minute)
    asked = Sync.objects.create(mirror=make_mirror("asked"), available_at=now, priority=Sync.MANUAL_PRIORITY)
    Sync.objects.create(mirror=make_mirror("lately"), available_at=now, rung_at=now)
    Sync.objects.create(mirror=make_mirror("later"), available_at=now + minute)
    sync_in(Status.RUNNING, make_mirror("running"))

    assert list(Sync.objects.unheard(at=now, rung_before=now - minute)) == [asked, silent, long_ago]


@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_that_start_the_same_sync_at_once_one_does(mirror: Mirror) -> None:
    sync = Sync.objects.create(mirror=mirror)
    barrier = threading.Barrier(8)
    started: list[str] = []

    def work(name: str) -> None:
        own = Sync.objects.get(pk=sync.pk)
        barrier.wait(10)
        if own.start(worker=name, snapshot={}):
            started.append(name)
        connection.close()

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    row = Sync.objects.get(pk=sync.pk)
    assert (started, row.fence, row.status) == ([row.worker], 1, Status.RUNNING)
