"""How a mirror is doing, in one word and in two queries for any number of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from mirrors.models import Mirror, Sync
from mirrors.models.sync import Trigger
from mirrors.oci import Code, Side
from mirrors.services.mirroring.mirror_status import State, status_of, statuses_of

pytestmark = pytest.mark.django_db

END: dict[str, Callable[[Sync], bool]] = {
    "succeeded": lambda sync: sync.succeed(message="Done."),
    "failed": lambda sync: sync.fail(code=Code.TIMEOUT, side=Side.SOURCE, message="Too slow."),
    "cancelled": lambda sync: sync.cancel(message="Cancelled."),
    "running": lambda sync: True,
}


def ran(mirror: Mirror, end: str, **values: Any) -> Sync:
    """A sync that was started and ended so."""
    sync = Sync.objects.create(mirror=mirror, **values)
    assert sync.start(worker="w1", snapshot={})
    assert END[end](sync)
    return sync


@pytest.mark.parametrize(
    ("past", "active", "state"),
    [
        ([], None, State.SCHEDULED),
        ([], Trigger.SCHEDULE, State.QUEUED),
        (["failed"], Trigger.RETRY, State.RETRYING),
        (["failed"], Trigger.MANUAL, State.QUEUED),
        (["succeeded", "running"], None, State.SYNCING),
        (["failed", "succeeded"], None, State.SUCCEEDED),
        (["succeeded", "failed"], None, State.FAILED),
        (["succeeded", "cancelled"], None, State.CANCELLED),
    ],
)
def test_the_state_is_that_of_the_sync_under_way_else_of_the_last(
    mirror: Mirror, past: list[str], active: Trigger | None, state: State
) -> None:
    for end in past:
        ran(mirror, end)
    if active:
        Sync.objects.create(mirror=mirror, trigger=active)

    assert status_of(mirror).state == state


def test_the_error_of_the_last_attempt_is_shown_while_the_next_one_waits(mirror: Mirror, settings: Settings) -> None:
    failed = ran(mirror, "failed")
    waiting = Sync.objects.create(mirror=mirror, trigger=Trigger.RETRY, attempt=2)

    status = status_of(mirror)

    assert (status.error, status.active, status.last_sync_at) == (failed, waiting, failed.finished_at)
    assert status.attempts_left == settings.SYNC_ATTEMPTS - 1


def test_a_cancel_that_waits_for_its_worker_is_seen(mirror: Mirror) -> None:
    sync = ran(mirror, "running")
    assert not status_of(mirror).is_cancelling

    sync.request_cancel()

    assert status_of(mirror).is_cancelling


def test_any_number_of_mirrors_costs_the_same_queries(
    make_mirror: Callable[..., Mirror], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    mirrors = [make_mirror(f"m{number}") for number in range(20)]
    for number, mirror in enumerate(mirrors):
        ran(mirror, list(END)[number % 4])

    with django_assert_num_queries(2):
        statuses = statuses_of(mirrors)

    assert [statuses[mirror.pk].state for mirror in mirrors[:4]] == ["succeeded", "failed", "cancelled", "syncing"]


def test_the_next_sync_is_the_one_after_the_one_under_way(make_mirror: Callable[..., Mirror]) -> None:
    due = timezone.now().replace(microsecond=0) - timedelta(seconds=5)
    mirror = make_mirror(starts_at=due, next_sync_at=due, sync_interval=3600)
    assert status_of(mirror).next_sync_at == due

    ran(mirror, "running")

    assert status_of(mirror).next_sync_at == due + timedelta(hours=1)
