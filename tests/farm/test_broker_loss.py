"""The broker is a doorbell: what it forgets, or cannot take, is only late."""

from __future__ import annotations

import time

import pytest

from tests.farm.conftest import SlowSource
from tests.fixtures.farms import WORKERS, Farm
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.farm


def test_every_queued_sync_still_runs_after_the_broker_was_flushed(farm: Farm, slow_source: SlowSource) -> None:
    organization = farm.organization()
    busy = [organization.mirror(slow_source.reference) for _ in range(WORKERS[farm.profile])]
    for mirror in busy:
        mirror.request()
    for mirror in busy:
        slow_source.wait_until_copying(mirror)
    queued = [organization.mirror(slow_source.reference, tags="small") for _ in range(6)]
    for mirror in queued:
        mirror.request()
    assert [mirror.syncs()[-1].status for mirror in queued] == ["queued"] * 6

    farm.broker.flush()
    slow_source.let_go()

    for mirror in (*busy, *queued):
        assert mirror.wait_for_end().status == "succeeded"
        assert len(mirror.syncs()) == 1


def test_a_sync_asked_for_while_the_broker_is_down_is_accepted_and_runs_when_it_is_back(
    farm: Farm, slow_source: SlowSource
) -> None:
    slow_source.let_go()
    mirror = farm.mirror(slow_source.reference, tags="small")
    farm.broker.stop()
    try:
        asked_at = time.monotonic()
        answer = farm.api("POST", f"repository/{mirror.full_name}/mirror/sync-now")
        assert (answer.status_code, answer.text) == (204, "")
        assert time.monotonic() - asked_at < 10
        assert mirror.syncs()[-1].status == "queued"
    finally:
        farm.broker.start()

    assert mirror.wait_for_end(timeout=90).status == "succeeded"
    # Everybody has found the broker again: the schedule works too.
    farm.drive("make_due", mirrors=[mirror.key])
    wait_until(lambda: len(mirror.syncs()) == 2, 90, farm.tails)
    assert mirror.wait_for_end(timeout=90).status == "succeeded"
