"""When mirrors are due, what the sweep recovers, and how long a failed sync waits for its next attempt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from mirrors.models import Mirror, Repository, Sync
from mirrors.models.sync import Status, Trigger
from mirrors.oci import Code, Side
from mirrors.services.syncs import schedules

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)

MakeMirror = Callable[..., Mirror]


@pytest.fixture
def due(make_mirror: MakeMirror) -> Mirror:
    """A mirror that has been due for ten seconds."""
    return make_mirror("due", starts_at=timezone.now() - 10 * SECOND, sync_interval=3600)


def test_a_due_mirror_is_queued_once(due: Mirror, rung: list[int]) -> None:
    assert schedules.enqueue_due_syncs() == 1
    assert schedules.enqueue_due_syncs() == 0

    sync = Sync.objects.get()
    assert (sync.mirror, sync.trigger, sync.status) == (due, Trigger.SCHEDULE, Status.QUEUED)
    assert rung == [sync.pk]


@pytest.mark.parametrize(
    "change",
    [
        {"is_enabled": False},
        {"next_sync_at": None},
        {"next_sync_at": timezone.now() + HOUR},
    ],
)
def test_what_is_disabled_never_due_or_due_later_is_left_alone(
    due: Mirror, rung: list[int], change: dict[str, object]
) -> None:
    Mirror.objects.update(**change)

    assert schedules.enqueue_due_syncs() == 0


@pytest.mark.parametrize("state", [state for state in Repository.State if state != Repository.State.MIRROR])
def test_a_repository_in_another_state_is_not_synced(due: Mirror, rung: list[int], state: str) -> None:
    Repository.objects.update(state=state)

    assert schedules.enqueue_due_syncs() == 0


def test_the_longest_waiting_mirrors_come_first(make_mirror: MakeMirror, rung: list[int]) -> None:
    now = timezone.now()
    mirrors = {age: make_mirror(f"a{age}", starts_at=now - age * SECOND) for age in (5, 60, 30)}

    schedules.enqueue_due_syncs()

    assert [Sync.objects.get(pk=pk).mirror for pk in rung] == [mirrors[60], mirrors[30], mirrors[5]]


def test_a_sync_that_lost_its_worker_ends_lost_and_the_next_attempt_starts_at_once(
    due: Mirror, rung: list[int]
) -> None:
    first = expired(due, only_tags=["v1"], priority=Sync.MANUAL_PRIORITY)

    schedules.sweep()

    lost, second = Sync.objects.order_by("pk")
    assert (lost.pk, lost.status, lost.error_code) == (first.pk, Status.LOST, Code.LOST)
    assert "w1" in lost.message
    assert (second.status, second.trigger, second.attempt, second.previous) == ("queued", "recovery", 2, lost)
    assert (second.only_tags, second.priority) == (["v1"], Sync.MANUAL_PRIORITY)
    assert second.available_at <= timezone.now()
    assert second.pk in rung


def test_a_sync_whose_lease_holds_is_left_alone(due: Mirror, rung: list[int]) -> None:
    sync = Sync.objects.create(mirror=due)
    sync.start(worker="w1", snapshot={})

    schedules.sweep()

    assert Sync.objects.get().status == Status.RUNNING


def test_a_sync_that_loses_every_worker_waits_for_its_next_slot(
    due: Mirror, rung: list[int], settings: Settings
) -> None:
    expired(due, attempt=settings.SYNC_ATTEMPTS)

    schedules.sweep()

    assert Sync.objects.get().status == Status.LOST
    assert Mirror.objects.get().next_sync_at == due.starts_at + HOUR


def test_a_cancelled_sync_that_lost_its_worker_does_not_start_again(due: Mirror, rung: list[int]) -> None:
    expired(due, cancel_requested_at=timezone.now())

    schedules.sweep()

    assert Sync.objects.get().status == Status.LOST
    assert Mirror.objects.get().next_sync_at == due.starts_at + HOUR


def test_two_sweeps_at_once_recover_a_sync_once(due: Mirror, rung: list[int]) -> None:
    expired(due)

    schedules.sweep()
    schedules.sweep()

    assert Sync.objects.count() == 2


def test_the_bell_is_rung_again_for_no_more_syncs_than_the_broker_lacks(
    make_mirror: MakeMirror, rung: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    queued = [Sync.objects.create(mirror=make_mirror(f"m{number}")) for number in range(5)]
    now = timezone.now()

    for waiting, expected in ((5, 0), (7, 0), (3, 2)):
        monkeypatch.setattr("mirrors.queue.waiting_messages", lambda waiting=waiting: waiting)
        assert schedules.ring_again(now) == expected

    assert rung == [sync.pk for sync in queued[:2]]


def test_the_bell_is_not_rung_again_within_the_grace(due: Mirror, rung: list[int], settings: Settings) -> None:
    grace = timedelta(seconds=settings.BELL_GRACE_SECONDS)
    now = timezone.now()
    Sync.objects.create(mirror=due, rung_at=now)

    assert schedules.ring_again(now + grace - SECOND) == 0
    assert schedules.ring_again(now + grace + SECOND) == 1


def test_no_bell_is_rung_while_the_broker_is_away(
    due: Mirror, rung: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Sync.objects.create(mirror=due)
    monkeypatch.setattr("mirrors.queue.waiting_messages", lambda: None)

    assert schedules.ring_again(timezone.now()) == 0

    assert "The broker cannot be reached; queued syncs wait until it is back." in caplog.text


def test_a_sync_that_waits_for_its_time_is_not_announced_before(due: Mirror, rung: list[int]) -> None:
    Sync.objects.create(mirror=due, available_at=timezone.now() + HOUR)

    schedules.sweep()

    assert rung == []


def test_a_due_time_in_the_future_stays_and_a_passed_one_moves_to_the_next_slot(due: Mirror, mirror: Mirror) -> None:
    future = mirror.next_sync_at

    schedules.advance(mirror)
    schedules.advance(due)

    assert Mirror.objects.get(pk=mirror.pk).next_sync_at == future
    assert Mirror.objects.get(pk=due.pk).next_sync_at == due.starts_at + HOUR


def test_a_mirror_that_is_never_due_stays_so(mirror: Mirror) -> None:
    Mirror.objects.update(next_sync_at=None)

    schedules.advance(mirror)

    assert Mirror.objects.get().next_sync_at is None


def test_a_failed_sync_is_tried_again_with_its_failed_tags_after_a_pause(due: Mirror, rung: list[int]) -> None:
    sync = failed(due)

    following = schedules.plan_next_attempt(sync, trigger=Trigger.RETRY, only_tags=["v1"], retry_after=120)

    assert following is not None
    assert (following.attempt, following.previous, following.only_tags) == (2, sync, ["v1"])
    assert following.available_at > timezone.now() + 119 * SECOND
    assert rung == [], "the sweep rings when its time has come"


def test_after_the_last_attempt_there_is_none(due: Mirror, rung: list[int], settings: Settings) -> None:
    sync = failed(due, attempt=settings.SYNC_ATTEMPTS)

    assert schedules.plan_next_attempt(sync, trigger=Trigger.RETRY) is None

    assert Sync.objects.count() == 1
    assert Mirror.objects.get().next_sync_at == due.starts_at + HOUR


@pytest.mark.parametrize(("priority", "attempts"), [(0, 1), (Sync.MANUAL_PRIORITY, 2)])
def test_a_mirror_that_was_disabled_meanwhile_is_tried_again_only_if_somebody_asked(
    due: Mirror, rung: list[int], priority: int, attempts: int
) -> None:
    sync = failed(due, priority=priority)
    Mirror.objects.update(is_enabled=False)

    schedules.plan_next_attempt(sync, trigger=Trigger.RETRY)

    assert Sync.objects.count() == attempts
    if attempts == 1:
        assert Mirror.objects.get().next_sync_at == due.starts_at + HOUR


@given(attempt=st.integers(1, 10), retry_after=st.none() | st.floats(0, 10_000))
def test_a_retry_waits_twice_as_long_each_time_never_less_than_asked_and_never_over_an_hour(
    attempt: int, retry_after: float | None
) -> None:
    delay = schedules.retry_delay(attempt, retry_after=retry_after).total_seconds()

    base = 30 * 2 ** (attempt - 1)
    assert delay <= 3600
    assert delay >= min(3600, max(0.75 * base, retry_after or 0)) - 1e-6
    assert delay <= max(1.25 * base, 1.25 * (retry_after or 0)) + 1e-6


def expired(mirror: Mirror, **values: object) -> Sync:
    """A running sync whose worker has been silent for too long."""
    sync = Sync.objects.create(mirror=mirror, **values)
    assert sync.start(worker="w1", snapshot={})
    Sync.objects.filter(pk=sync.pk).update(lease_expires_at=timezone.now() - SECOND)
    return sync


def failed(mirror: Mirror, **values: object) -> Sync:
    """A sync that has failed."""
    sync = Sync.objects.create(mirror=mirror, **values)
    assert sync.start(worker="w1", snapshot={})
    assert sync.fail(code=Code.TIMEOUT, side=Side.SOURCE, message="Too slow.")
    return sync


def test_syncs_that_one_registry_has_told_to_wait_do_not_come_back_to_it_all_at_once() -> None:
    delays = {schedules.retry_delay(1, retry_after=600) for _ in range(20)}
    assert len(delays) == 20
