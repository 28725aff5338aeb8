"""Workers die, freeze and hear everything twice; every sync ends right all the same, without anyone's help."""

from __future__ import annotations

import signal
import time
from types import SimpleNamespace

import pytest
from django.conf import settings

from tests.farm.conftest import BIG, SlowSource
from tests.fixtures.farms import Farm, in_profile
from tests.fixtures.processes import Process
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.farm


def test_a_worker_killed_in_mid_copy_is_replaced_within_two_minutes(farm: Farm, slow_source: SlowSource) -> None:
    mirror = farm.mirror(slow_source.reference)
    mirror.request()
    first = slow_source.wait_until_copying(mirror)

    worker_of(farm, first).kill()
    killed_at = time.monotonic()
    slow_source.let_go()
    wait_until(lambda: len(mirror.syncs()) == 2 and mirror.syncs()[1].started_at, 120, farm.tails)

    assert time.monotonic() - killed_at < 120
    assert mirror.wait_for_end().status == "succeeded"
    lost, second = mirror.syncs()
    assert (lost.status, lost.error_code) == ("lost", "lost")
    assert (second.trigger, second.attempt, second.previous_id) == ("recovery", 2, lost.id)
    assert second.worker != lost.worker
    assert mirror.tag_copies(second)["big"].target_digest == BIG.manifest.digest


def test_the_default_settings_notice_a_dead_worker_within_two_minutes() -> None:
    # The lease runs out, the next sweep sees it and rings; a bell that nobody heard is rung again one grace later.
    assert settings.LEASE_SECONDS + 2 * settings.SWEEP_INTERVAL + settings.BELL_GRACE_SECONDS <= 120


@in_profile("farm")
@pytest.mark.slow  # the lease has to run out while the worker is frozen
def test_a_worker_that_wakes_up_after_its_lease_changes_nothing(farm: Farm, slow_source: SlowSource) -> None:
    mirror = farm.mirror(slow_source.reference)
    mirror.request()
    frozen = worker_of(farm, slow_source.wait_until_copying(mirror))

    frozen.signal(signal.SIGSTOP)
    slow_source.let_go()
    wait_until(lambda: len(mirror.syncs()) == 2, 60, farm.tails)
    assert mirror.wait_for_end().status == "succeeded"
    before = mirror.syncs()
    frozen.signal(signal.SIGCONT)
    wait_until(lambda: "lost its lease" in frozen.output, 30, frozen.tail)

    assert mirror.syncs() == before
    # It is fit for work again.
    assert mirror.sync().status == "succeeded"


@in_profile("farm")
def test_a_message_that_comes_six_times_runs_the_sync_once(farm: Farm, slow_source: SlowSource) -> None:
    slow_source.let_go()
    mirror = farm.mirror(slow_source.reference)

    sync = mirror.request()
    farm.drive("ring", sync=sync, times=5)
    assert mirror.wait_for_end().status == "succeeded"
    farm.drive("ring", sync=sync, times=3)
    wait_until(lambda: farm.broker.client().llen("mirrorfarm:sync-now") == 0, 30, farm.tails)

    assert [(row.id, row.fence, row.attempt) for row in mirror.syncs()] == [(sync, 1, 1)]
    endings = [line for log in farm.logs().values() for line in log.splitlines() if f"sync {sync} of" in line]
    assert len(endings) == 1, endings


def worker_of(farm: Farm, sync: SimpleNamespace) -> Process:
    """The process that runs a sync."""
    return next(worker for worker in farm.workers if sync.worker.startswith(f"{worker.name}@"))
