"""The last sync that every mirror knows is the one that its history tells, however syncs end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from mirrors.models import Mirror, Sync
from mirrors.models.sync import Status, Trigger
from mirrors.oci import Code, Side
from mirrors.services.mirroring import mirrors
from mirrors.services.mirroring.mirror_phases import Phase, phase_counts, with_phase
from mirrors.services.syncs import schedules, syncs, upkeep

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
RESTORES = {"tag": "v1", "target_digest": "sha256:" + "0" * 64, "source_digest": ""}

ENDS: dict[str, Callable[[Sync], bool]] = {
    "succeeded": lambda sync: sync.succeed(message="Done."),
    "failed": lambda sync: sync.fail(code=Code.TIMEOUT, side=Side.SOURCE, message="Too slow."),
    "cancelled": lambda sync: sync.cancel(message="Cancelled."),
    "lost": lambda sync: sync.lose(at=timezone.now() + HOUR, message="Lost."),
}


def ran(mirror: Mirror, end: str, **values: object) -> Sync:
    """A sync that was started and ended so."""
    sync = Sync.objects.create(mirror=mirror, **values)
    assert sync.start(worker="w1", snapshot={})
    assert ENDS[end](sync)
    return sync


def check(mirror: Mirror, expected: Sync | None) -> None:
    """That the column says the same as the history, and that it is this sync."""
    told = Sync.objects.concluded().filter(mirror=mirror).order_by("-id").first()
    assert Mirror.objects.get(pk=mirror.pk).last_sync == told == expected


@pytest.mark.parametrize("end", ENDS)
def test_a_sync_is_the_last_once_it_has_ended_and_not_before(mirror: Mirror, end: str) -> None:
    before = ran(mirror, "succeeded")
    sync = Sync.objects.create(mirror=mirror)
    check(mirror, before)
    assert sync.start(worker="w1", snapshot={})
    check(mirror, before)

    assert ENDS[end](sync)

    check(mirror, sync)


def test_one_that_never_started_counts_when_it_is_withdrawn(mirror: Mirror, rung: list[int]) -> None:
    ran(mirror, "failed")
    syncs.request_sync(mirror)

    withdrawn = syncs.cancel_sync(mirror)

    check(mirror, withdrawn)


def test_one_that_the_schedule_had_queued_counts_when_the_mirror_is_disabled(mirror: Mirror) -> None:
    queued = Sync.objects.create(mirror=mirror)

    mirrors.change_mirror(mirror, {"is_enabled": False})

    check(mirror, queued)


def test_the_attempt_that_a_lost_one_is_followed_by_counts_once_it_has_ended(mirror: Mirror, rung: list[int]) -> None:
    lost = Sync.objects.create(mirror=mirror)
    assert lost.start(worker="w1", snapshot={})
    schedules._recover(lost, at=timezone.now() + HOUR)
    check(mirror, lost)
    following = Sync.objects.get(trigger=Trigger.RECOVERY)

    assert following.start(worker="w2", snapshot={})
    assert following.succeed(message="Done.")

    check(mirror, following)


@pytest.mark.parametrize("end", ENDS)
def test_one_that_puts_a_tag_back_does_not_count(mirror: Mirror, end: str) -> None:
    ran(mirror, end, trigger=Trigger.RESTORE, restores=RESTORES)
    check(mirror, None)
    last = ran(mirror, "succeeded")

    ran(mirror, end, trigger=Trigger.RESTORE, restores=RESTORES)

    check(mirror, last)
    assert phase_counts(with_phase(Mirror.objects.all())) == {Phase.SUCCEEDED: 1}


@pytest.mark.parametrize("end", ENDS)
def test_an_end_that_comes_too_late_changes_nothing(mirror: Mirror, end: str) -> None:
    sync = Sync.objects.create(mirror=mirror)
    assert sync.start(worker="w1", snapshot={})
    late = Sync.objects.get(pk=sync.pk)
    assert sync.lose(at=timezone.now() + HOUR, message="Lost.")
    last = ran(mirror, "succeeded")

    assert not ENDS[end](late)

    check(mirror, last)


def test_it_is_never_set_back_to_an_older_one(mirror: Mirror) -> None:
    older = Sync.objects.create(mirror=mirror)
    assert older.start(worker="w1", snapshot={})
    newer = Sync.objects.create(mirror=mirror, status=Status.SUCCEEDED, finished_at=timezone.now())
    Mirror.objects.update(last_sync=newer)

    assert older.succeed(message="Done.")

    check(mirror, newer)


def test_the_end_of_a_sync_is_no_change_of_the_configuration(mirror: Mirror) -> None:
    before = mirrors.version_of(Mirror.objects.get())
    ran(mirror, "succeeded")
    assert mirrors.version_of(Mirror.objects.get()) == before


def test_it_outlives_the_history_that_is_forgotten_and_goes_with_the_mirror(
    make_mirror: Callable[..., Mirror], rung: list[int]
) -> None:
    mirror, other = make_mirror("one"), make_mirror("two")
    ran(mirror, "succeeded")
    last, of_other = ran(mirror, "failed"), ran(other, "lost")
    Sync.objects.update(finished_at=timezone.now() - timedelta(days=9999))
    restored = ran(mirror, "succeeded", trigger=Trigger.RESTORE, restores=RESTORES)
    Sync.objects.filter(pk=restored.pk).update(finished_at=timezone.now() - timedelta(days=9999))

    assert upkeep.forget_old_syncs() == 2

    check(mirror, last)
    check(other, of_other)
    mirrors.delete_mirror(mirror)
    assert list(Sync.objects.all()) == [of_other]


@pytest.mark.django_db(transaction=True)
def test_it_is_right_after_many_have_ended_syncs_of_one_mirror_at_once(mirror: Mirror, rung: list[int]) -> None:
    ready = threading.Barrier(4)
    faults: list[BaseException] = []

    def end(name: str) -> None:
        try:
            for _ in range(5):
                sync = Sync.objects.active().filter(mirror=mirror).first() or syncs.request_sync(mirror)
                own = Sync.objects.get(pk=sync.pk)
                ready.wait(20)
                own.start(worker=name, snapshot={})
                own.withdraw(message="Withdrawn.")
                own.lose(at=timezone.now() + HOUR, message="Lost.")
                own.succeed(message="Done.")
                ready.wait(20)
        except BaseException as fault:  # shown below, for a thread's own fault fails no test
            ready.abort()
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=end, args=[f"w{number}"]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not faults
    check(mirror, Sync.objects.concluded().latest("pk"))
