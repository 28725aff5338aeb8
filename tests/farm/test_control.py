"""What people do to a mirror while the farm works on it: cancel, switch off and on, edit."""

from __future__ import annotations

import time

import pytest

from tests.farm.conftest import SlowSource
from tests.fixtures.farm_calls import Refused
from tests.fixtures.farms import Farm, FarmMirror, Organization, in_profile
from tests.fixtures.registries import DockerRegistry
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.farm


def test_cancel_stops_the_copy_within_five_seconds_deletes_nothing_and_leaves_the_schedule(
    remote_organization: Organization, target_registry: DockerRegistry, slow_source: SlowSource
) -> None:
    mirror = remote_organization.mirror(slow_source.reference, tags="small,other")
    assert mirror.sync().status == "succeeded"
    mirror.change(tag_patterns=["big"])  # a full run would delete small and other
    schedule = schedule_of(mirror)
    mirror.request()
    slow_source.wait_until_copying(mirror)

    asked_at = time.monotonic()
    mirror.cancel()
    sync = mirror.wait_for("cancelled", timeout=10)

    assert time.monotonic() - asked_at < 5
    copied = slow_source.link.bytes_forwarded
    time.sleep(1)
    assert slow_source.link.bytes_forwarded - copied < 50_000, "the copy goes on"
    assert (sync.error_code, sync.tags_deleted) == ("cancelled", 0)
    assert target_registry.tags(mirror.full_name) == ["other", "small"]
    assert schedule_of(mirror) == schedule
    slow_source.let_go()
    assert mirror.sync().status == "succeeded"
    assert target_registry.tags(mirror.full_name) == ["big"]


@in_profile("farm")
def test_cancel_takes_back_a_sync_that_waits_and_one_that_has_ended_cannot_be_cancelled(
    farm: Farm, slow_source: SlowSource
) -> None:
    slow_source.let_go()
    mirror = farm.mirror(slow_source.reference, tags="small")
    for worker in farm.workers:
        worker.kill()

    mirror.request()
    mirror.cancel()
    farm.revive()

    assert [sync.status for sync in mirror.syncs()] == ["cancelled"]
    with pytest.raises(Refused, match="No sync of"):
        mirror.cancel()
    assert mirror.sync().status == "succeeded"


@in_profile("farm")
def test_a_disabled_mirror_is_synced_only_when_asked_for_and_enabling_brings_the_schedule_back(
    farm: Farm, slow_source: SlowSource
) -> None:
    slow_source.let_go()
    mirror = farm.mirror(slow_source.reference, tags="small", due=True, is_enabled=False, sync_interval=3600)

    farm.drive("enqueue_due_syncs")
    assert mirror.syncs() == []
    assert mirror.sync().status == "succeeded"
    farm.drive("make_due", mirrors=[mirror.key])
    mirror.change(is_enabled=True)

    wait_until(lambda: len(mirror.syncs()) == 2, 20, farm.tails)
    second = mirror.wait_for_end()
    assert (second.status, second.trigger) == ("succeeded", "schedule")


@in_profile("farm")
def test_editing_and_disabling_a_mirror_do_not_disturb_its_running_sync(farm: Farm, slow_source: SlowSource) -> None:
    mirror = farm.mirror(slow_source.reference, tags="big")
    mirror.request()
    running = slow_source.wait_until_copying(mirror)

    mirror.change(source_reference="127.0.0.1:9/elsewhere/app", tag_patterns=["small"], is_enabled=False)
    slow_source.let_go()
    ended = mirror.wait_for_end()

    assert (ended.id, ended.status) == (running.id, "succeeded")
    assert list(mirror.tag_copies(ended)) == ["big"]
    assert ended.snapshot["source_reference"] == slow_source.reference
    assert ended.snapshot["tag_patterns"] == ["big"]
    mirror.change(source_reference=slow_source.reference)
    assert {tag: copy.action for tag, copy in mirror.tag_copies(mirror.sync()).items()} == {
        "big": "deleted",
        "small": "copied",
    }


@in_profile("farm")
def test_a_second_request_while_a_sync_is_running_is_refused_in_a_sentence(farm: Farm, slow_source: SlowSource) -> None:
    mirror = farm.mirror(slow_source.reference, tags="big")
    mirror.request()
    slow_source.wait_until_copying(mirror)

    with pytest.raises(Refused, match=r"being synced already\. Wait for it, or cancel it first"):
        mirror.request()

    slow_source.let_go()
    mirror.wait_for_end()
    assert len(mirror.syncs()) == 1


@in_profile("farm")
def test_a_short_interval_syncs_again_and_again_on_the_phase_of_its_start(farm: Farm, slow_source: SlowSource) -> None:
    slow_source.let_go()
    mirror = farm.mirror(slow_source.reference, tags="small", due=True, sync_interval=2)

    wait_until(lambda: len(mirror.syncs()) >= 3, 30, farm.tails)
    mirror.change(is_enabled=False)

    assert mirror.wait_for_end().status in ("succeeded", "cancelled")
    assert (mirror.row.next_sync_at - mirror.row.starts_at).total_seconds() % 2 == 0
    assert {sync.trigger for sync in mirror.syncs()} == {"schedule"}


def schedule_of(mirror: FarmMirror) -> tuple[object, ...]:
    """What a cancel must not touch."""
    row = mirror.row
    return row.is_enabled, row.starts_at, row.next_sync_at, row.sync_interval
