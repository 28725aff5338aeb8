"""A pause that one worker is asked for is everybody's."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mirrors.models import HostPause, Mirror, Sync
from mirrors.oci import PROCESS_PAUSES
from mirrors.oci.remote.limits.pauses import LONGEST_PAUSE
from mirrors.services.syncs import heartbeat, host_pauses, upkeep
from mirrors.services.syncs.sync_records import SyncRecords

pytestmark = pytest.mark.django_db


def test_a_pause_of_this_process_is_written_for_the_others() -> None:
    PROCESS_PAUSES.pause("busy.example.com", seconds=120)
    host_pauses.exchange_pauses()
    until = HostPause.objects.get(host="busy.example.com").until
    assert timedelta(seconds=115) < until - timezone.now() < timedelta(seconds=125)


def test_a_pause_of_another_process_is_kept_here_and_a_longer_one_wins() -> None:
    HostPause.objects.create(host="other.example.com", until=timezone.now() + timedelta(seconds=300))
    PROCESS_PAUSES.pause("other.example.com", seconds=5)
    host_pauses.exchange_pauses()
    assert PROCESS_PAUSES.snapshot()["other.example.com"] - time.time() > 290
    assert HostPause.objects.get(host="other.example.com").until - timezone.now() > timedelta(seconds=290)


@pytest.mark.parametrize("told_by_others", [True, False])
def test_a_pause_that_an_operator_deletes_is_lifted_and_not_written_again(told_by_others: bool) -> None:
    if told_by_others:
        HostPause.objects.create(host="lifted.example.com", until=timezone.now() + timedelta(seconds=300))
    else:
        PROCESS_PAUSES.pause("lifted.example.com", seconds=300)
    host_pauses.exchange_pauses()

    HostPause.objects.get(host="lifted.example.com").delete()
    host_pauses.exchange_pauses()

    assert "lifted.example.com" not in PROCESS_PAUSES.snapshot()
    assert not HostPause.objects.filter(host="lifted.example.com").exists()


def test_a_host_that_asks_again_after_its_pause_was_deleted_is_left_alone() -> None:
    PROCESS_PAUSES.pause("stubborn.example.com", seconds=100)
    host_pauses.exchange_pauses()
    HostPause.objects.get(host="stubborn.example.com").delete()

    PROCESS_PAUSES.pause("stubborn.example.com", seconds=300)
    host_pauses.exchange_pauses()

    assert HostPause.objects.filter(host="stubborn.example.com").exists()


def test_pauses_that_are_over_are_neither_taken_in_nor_kept() -> None:
    HostPause.objects.create(host="past.example.com", until=timezone.now() - timedelta(seconds=1))
    host_pauses.exchange_pauses()
    assert "past.example.com" not in PROCESS_PAUSES.snapshot()
    assert upkeep.forget_old_pauses() == 1


def test_a_worker_whose_clock_is_a_day_ahead_keeps_nobody_waiting_for_a_day() -> None:
    HostPause.objects.create(host="ahead.example.com", until=timezone.now() + timedelta(days=1))
    host_pauses.exchange_pauses()
    assert "ahead.example.com" not in PROCESS_PAUSES.snapshot()

    PROCESS_PAUSES.pause("ahead.example.com", seconds=100)
    host_pauses.exchange_pauses()

    until = HostPause.objects.get(host="ahead.example.com").until
    assert until - timezone.now() < timedelta(seconds=LONGEST_PAUSE)


def test_a_host_that_asks_for_a_pause_while_others_are_exchanged_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    merge = PROCESS_PAUSES.merge

    def meanwhile(ends: Any) -> None:
        PROCESS_PAUSES.pause("meanwhile.example.com", seconds=100)
        merge(ends)

    with monkeypatch.context() as patched:
        patched.setattr(PROCESS_PAUSES, "merge", meanwhile)
        host_pauses.exchange_pauses()
    host_pauses.exchange_pauses()

    assert "meanwhile.example.com" in PROCESS_PAUSES.snapshot()
    assert HostPause.objects.filter(host="meanwhile.example.com").exists()


def test_news_are_told_and_cost_nothing_where_there_are_none() -> None:
    PROCESS_PAUSES.pause("news.example.com", seconds=100)
    host_pauses.tell_pauses()
    assert HostPause.objects.filter(host="news.example.com").exists()
    with CaptureQueriesContext(connection) as queries:
        host_pauses.tell_pauses()
    assert len(queries) == 0


def test_a_database_that_is_gone_keeps_news_for_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(host_pauses, "exchange_pauses", refuse)
    PROCESS_PAUSES.pause("later.example.com", seconds=100)
    host_pauses.tell_pauses()
    assert "later" in caplog.text


def test_a_sync_is_cancelled_though_pauses_cannot_be_exchanged(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(heartbeat, "exchange_pauses", refuse)
    sync = Sync.objects.create(mirror=mirror)
    assert sync.start(worker="w1", snapshot={})
    beat = heartbeat.Heartbeat(sync, SyncRecords(sync))
    beat._checked_at -= heartbeat.CANCEL_CHECK_SECONDS
    assert sync.request_cancel()
    beat._check_cancel()
    assert beat.verdict is heartbeat.Verdict.CANCELLED
