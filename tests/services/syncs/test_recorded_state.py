"""What a sync remembers of the target, when the next one relies on it, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from mirrors.models import Mirror, MirroredTag, Namespace, Registry, Sync
from mirrors.models.sync import Status, Trigger
from mirrors.oci import Action, TagOutcome
from mirrors.oci.copying.progress import ReferrerFailure
from mirrors.sample.images import small_image, small_index
from mirrors.services.mirroring import history
from mirrors.services.syncs import sync_runs
from mirrors.services.syncs.sync_records import SyncRecords
from tests.registry import FaultyRegistry

pytestmark = pytest.mark.django_db(transaction=True)

TAGS = 12


@pytest.fixture
def source() -> Iterator[FaultyRegistry]:
    """A registry with twelve tags."""
    with FaultyRegistry() as registry:
        for number in range(TAGS):
            registry.repository("team/app").put(small_image(number), tag=f"v{number:02}")
        yield registry


@pytest.fixture
def target(organization: Namespace) -> Iterator[FaultyRegistry]:
    """The registry that the organization keeps its repositories at."""
    with FaultyRegistry() as registry:
        organization.target_registry = Registry.objects.create(name="t", address=registry.address, verify_tls=False)
        organization.save()
        yield registry


@pytest.fixture
def mirror_of_source(source: FaultyRegistry, target: FaultyRegistry, mirror: Mirror, rung: list[int]) -> Mirror:
    """A mirror from the one to the other."""
    Mirror.objects.update(source_reference=f"{source.address}/team/app", verify_tls=False)
    return mirror


def run(mirror: Mirror, *, trigger: Trigger = Trigger.SCHEDULE) -> Sync:
    """Run a sync."""
    Sync.objects.active().delete()  # an attempt that the one before has planned
    sync = Sync.objects.create(mirror=mirror, trigger=trigger)
    sync_runs.run_sync(sync.pk)
    return Sync.objects.get(pk=sync.pk)


def heads(registry: FaultyRegistry) -> int:
    """How many tags or manifests the registry was asked for."""
    return registry.count("HEAD", "/manifests/")


def test_a_scheduled_sync_asks_the_target_for_its_list_alone(
    mirror_of_source: Mirror, source: FaultyRegistry, target: FaultyRegistry
) -> None:
    run(mirror_of_source)
    source.requests.clear()
    target.requests.clear()
    sync = run(mirror_of_source)
    assert (sync.status, sync.tags_unchanged, sync.asked_target) == (Status.SUCCEEDED, TAGS, False)
    assert heads(source) == TAGS
    # Once to see what is there, once more to see what is to be pruned.
    assert {(request.method, request.path) for request in target.requests if "/v2/acme" in request.path} == {
        ("GET", "/v2/acme/app/tags/list")
    }


def test_a_sync_that_somebody_asks_for_asks_the_target_for_every_tag(
    mirror_of_source: Mirror, target: FaultyRegistry
) -> None:
    run(mirror_of_source)
    target.requests.clear()
    assert run(mirror_of_source, trigger=Trigger.MANUAL).asked_target
    assert heads(target) == TAGS


def test_the_target_is_asked_again_after_a_while(
    mirror_of_source: Mirror, target: FaultyRegistry, settings: Settings
) -> None:
    first = run(mirror_of_source)
    run(mirror_of_source)
    Sync.objects.filter(pk=first.pk).update(
        finished_at=first.finished_at - timedelta(seconds=settings.TARGET_CHECK_SECONDS)
    )
    target.requests.clear()
    assert run(mirror_of_source).asked_target
    assert heads(target) == TAGS


def test_a_worker_that_died_may_have_moved_tags_that_nobody_recorded(
    mirror_of_source: Mirror, target: FaultyRegistry
) -> None:
    run(mirror_of_source)
    lost = run(mirror_of_source)
    Sync.objects.filter(pk=lost.pk).update(status=Status.LOST)
    target.requests.clear()
    assert run(mirror_of_source, trigger=Trigger.RECOVERY).asked_target
    assert heads(target) == TAGS


@pytest.mark.parametrize(
    ("end", "settled"), [(Status.LOST, TAGS), (Status.CANCELLED, TAGS - 1), (Status.FAILED, TAGS - 1)]
)
def test_a_sync_that_was_stopped_may_have_moved_tags_until_the_target_was_asked_for_all(
    mirror_of_source: Mirror, source: FaultyRegistry, target: FaultyRegistry, end: Status, settled: int
) -> None:
    run(mirror_of_source)
    stopped = run(mirror_of_source)
    Sync.objects.filter(pk=stopped.pk).update(status=end, tags_unchanged=settled)
    target.repository("acme/app").put(small_image(77), tag="v03")  # as it did, but nobody wrote it down
    ended = {"status": Status.FAILED, "started_at": timezone.now(), "finished_at": timezone.now()}
    # The attempt after it ended before it compared anything.
    Sync.objects.create(mirror=mirror_of_source, snapshot=stopped.snapshot, **ended)
    sync = run(mirror_of_source)
    assert (sync.asked_target, sync.tags_copied) == (True, 1)
    assert target.repository("acme/app").tags["v03"] == small_image(3).manifest.digest
    assert not run(mirror_of_source).asked_target


def test_a_tag_that_fails_is_asked_for_at_the_target_and_the_others_are_not(
    mirror_of_source: Mirror, source: FaultyRegistry, target: FaultyRegistry
) -> None:
    run(mirror_of_source)
    old = source.repository("team/app").tags["v03"]
    source.repository("team/app").put(small_image(77), tag="v03")
    target.fail("PUT", "/manifests/v03", status=400, times=9)
    failed = run(mirror_of_source)
    assert (failed.status, failed.tags_failed) == (Status.FAILED, 1)
    target.repository("acme/app").put(small_image(77), tag="v03")  # as if only its answer had said no
    source.repository("team/app").tags["v03"] = old
    target.requests.clear()
    target.heal()

    sync = run(mirror_of_source)

    assert (sync.asked_target, sync.tags_copied) == (False, 1)
    assert {request.path for request in target.seen("HEAD", "/manifests/v")} == {"/v2/acme/app/manifests/v03"}
    assert target.repository("acme/app").tags["v03"] == old


def test_a_retry_of_some_tags_has_not_asked_the_target_for_the_others(mirror_of_source: Mirror) -> None:
    first = run(mirror_of_source)
    Sync.objects.filter(pk=first.pk).update(only_tags=["v01"])
    assert run(mirror_of_source).asked_target


def test_a_sync_that_found_no_tag_has_not_asked_the_target_for_any(mirror_of_source: Mirror) -> None:
    first = run(mirror_of_source)
    Sync.objects.filter(pk=first.pk).update(tags_total=0)
    assert run(mirror_of_source).asked_target


def test_another_target_is_not_taken_for_the_one_that_is_remembered(
    mirror_of_source: Mirror, organization: Namespace
) -> None:
    run(mirror_of_source)
    with FaultyRegistry() as elsewhere:
        elsewhere.repository("acme/app").put(small_image(99), tag="v01")
        Registry.objects.update(address=elsewhere.address)
        assert run(mirror_of_source).asked_target
        assert elsewhere.repository("acme/app").tags["v01"] == small_image(1).manifest.digest


def test_a_tag_that_has_moved_is_remembered_where_it_went_and_one_that_is_gone_is_forgotten(
    mirror_of_source: Mirror, source: FaultyRegistry
) -> None:
    run(mirror_of_source)
    source.repository("team/app").put(small_image(50), tag="v03")
    del source.repository("team/app").tags["v04"]
    sync = run(mirror_of_source)
    assert (sync.tags_copied, sync.tags_deleted) == (1, 1)
    moved = MirroredTag.objects.get(mirror=mirror_of_source, tag="v03")
    assert (moved.target_digest, moved.sync_id) == (small_image(50).manifest.digest, sync.pk)
    assert not MirroredTag.objects.filter(tag="v04").exists()


def test_unchanged_tags_have_no_rows_of_their_own_and_are_told_after_the_others(
    mirror_of_source: Mirror, source: FaultyRegistry
) -> None:
    run(mirror_of_source)
    source.repository("team/app").put(small_image(50), tag="v03")
    sync = run(mirror_of_source)
    assert [copy.tag for copy in sync.tag_copies.all()] == ["v03"]
    first = history.recorded_tags(sync, limit=5)
    rest = history.recorded_tags(sync, limit=50, after=first[-1].pk)
    told = [copy.tag for copy in first + rest]
    assert told == ["v03", *(f"v{number:02}" for number in range(TAGS) if number != 3)]
    assert {copy.action for copy in first[1:] + rest} == {"unchanged"}
    assert first[1].target_digest == small_image(0).manifest.digest


def test_an_unchanged_tag_whose_referrer_did_not_come_along_has_a_row_that_tells_which(mirror: Mirror) -> None:
    sync = Sync.objects.create(mirror=mirror)
    assert sync.start(worker="w", snapshot={})
    records = SyncRecords(sync)
    lost = ReferrerFailure("sha256:ab", "The source has it no more.")
    records.add(TagOutcome("v1", Action.UNCHANGED, reason="Without sha256:ab.", referrers_failed=(lost,)))
    records.add(TagOutcome("v2", Action.UNCHANGED))

    records.save()

    assert sync.succeed(message="done", **records.final_columns())
    assert [(tag.tag, tag.message) for tag in history.recorded_tags(sync, limit=9)] == [
        ("v1", "Without sha256:ab."),
        ("v2", ""),
    ]
    assert sync.tags_unchanged == 2


def test_the_digest_of_an_unchanged_tag_is_not_told_once_it_has_moved_on(
    mirror_of_source: Mirror, source: FaultyRegistry
) -> None:
    run(mirror_of_source)
    unchanged = run(mirror_of_source)
    source.repository("team/app").put(small_image(50), tag="v00")
    run(mirror_of_source)
    before = {copy.tag: copy.target_digest for copy in history.recorded_tags(unchanged, limit=50)}
    assert before["v00"] == ""
    assert before["v01"] == small_image(1).manifest.digest


def test_a_sync_without_work_costs_as_many_queries_for_many_tags_as_for_few(
    mirror_of_source: Mirror, source: FaultyRegistry
) -> None:
    run(mirror_of_source)
    with CaptureQueriesContext(connection) as few:
        run(mirror_of_source)
    for number in range(TAGS, 10 * TAGS):
        source.repository("team/app").put(small_image(number), tag=f"v{number:03}")
    run(mirror_of_source)
    with CaptureQueriesContext(connection) as many:
        sync = run(mirror_of_source)
    assert sync.tags_unchanged == 10 * TAGS
    assert len(many) == len(few)


def test_a_tag_that_always_fails_has_no_other_looked_into_again(
    mirror_of_source: Mirror, source: FaultyRegistry
) -> None:
    held = source.repository("team/app")
    for number in range(3):
        held.put(small_index(number), tag=f"v{number:02}")
    broken = small_image(77)
    held.put(broken, tag="v09")
    del held.blobs[next(iter(broken.blobs))]
    run(mirror_of_source)
    Mirror.objects.update(platforms=["amd64", "arm64"])
    assert run(mirror_of_source).tags_failed == 1
    source.requests.clear()
    assert run(mirror_of_source).tags_failed == 1
    read = [request.path for request in source.seen("GET", "/manifests/")]
    assert {path.rpartition("/")[2] for path in read} <= {broken.manifest.digest, "v09"}


def test_a_tag_of_an_unwanted_platform_is_read_once_while_it_does_not_move(
    mirror_of_source: Mirror, source: FaultyRegistry
) -> None:
    held = source.repository("team/app")
    held.put(small_image(5, architecture="s390x"), tag="v05")
    Mirror.objects.update(platforms=["amd64"])
    first = run(mirror_of_source)
    source.requests.clear()
    second = run(mirror_of_source, trigger=Trigger.MANUAL)
    assert (first.tags_skipped, second.tags_skipped) == (1, 1)
    assert source.count("GET", "/manifests/") == source.count("GET", "/blobs/") == 0
    assert "another platform" in second.tag_copies.get(action="skipped").message
    held.put(small_image(6), tag="v05")
    assert run(mirror_of_source).tags_copied == 1
    Mirror.objects.update(platforms=["s390x"])
    held.put(small_image(5, architecture="s390x"), tag="v05")
    assert run(mirror_of_source).tags_copied == 1
