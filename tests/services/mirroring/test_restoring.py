"""A tag that pruning has deleted comes back, from wherever it still is, and stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from mirrors.errors import AlreadyExists, AlreadySyncing, InvalidInput, NotFound
from mirrors.models import LogEntry, Mirror, Registry, Repository, Sync, TagCopy
from mirrors.models.sync import Status, Trigger
from mirrors.oci import Code
from mirrors.oci.store.garbage import collect_garbage
from mirrors.sample.images import small_image, small_index
from mirrors.services.mirroring import mirror_phases, mirror_status, restoring
from mirrors.services.syncs import connections, sync_runs, syncs
from tests.registry import FaultyRegistry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def source() -> Iterator[FaultyRegistry]:
    """A registry with an index v1 and an image v2."""
    with FaultyRegistry() as registry:
        held = registry.repository("team/app")
        held.put(small_index(1, architectures=("amd64", "arm64")), tag="v1")
        held.put(small_image(2), tag="v2")
        yield registry


@pytest.fixture
def mirror(source: FaultyRegistry, mirror: Mirror, store_dir: Path, rung: list[int]) -> Mirror:
    """A mirror of that registry into the built-in store."""
    Mirror.objects.update(source_reference=f"{source.address}/team/app", verify_tls=False, tag_patterns=["v*"])
    return Mirror.objects.select_related("repository__namespace").get()


def run(sync: Sync) -> Sync:
    sync_runs.run_sync(sync.pk)
    return Sync.objects.get(pk=sync.pk)


def sync_with(mirror: Mirror, *patterns: str) -> Sync:
    Mirror.objects.update(tag_patterns=list(patterns))
    sync = run(Sync.objects.create(mirror=mirror))
    assert sync.status == Status.SUCCEEDED, sync.message
    return sync


def tags_of(mirror: Mirror) -> list[str]:
    return connections.store().tags(mirror.repository.full_name)


@pytest.fixture
def deleted(mirror: Mirror, source: FaultyRegistry) -> str:
    """The digest of v1, which was mirrored and then deleted because no pattern selects it any more."""
    sync_with(mirror, "v*")
    sync_with(mirror, "v2")
    assert tags_of(mirror) == ["v2"]
    return source.repository("team/app").tags["v1"]


def test_a_deletion_records_what_the_tag_was(mirror: Mirror, deleted: str) -> None:
    record = TagCopy.objects.get(action=TagCopy.Action.DELETED)
    assert (record.tag, record.source_digest, record.target_digest_before) == ("v1", deleted, deleted)


def test_a_tag_that_no_sync_has_brought_is_recorded_with_its_digest_when_it_goes(mirror: Mirror) -> None:
    sync_with(mirror, "v2")
    store, name = connections.store(), mirror.repository.full_name
    manifest = store.find_manifest(name, "v2").read_manifest()  # type: ignore[union-attr]
    store.put_manifest(name, manifest, tag="by-hand")
    sync_with(mirror, "v2")
    assert TagCopy.objects.get(tag="by-hand").target_digest_before == manifest.digest


def test_what_the_target_still_has_needs_nothing_of_the_source(
    mirror: Mirror, source: FaultyRegistry, deleted: str
) -> None:
    requests = len(source.requests)

    sync = run(restoring.request_restore(mirror, "v1"))

    assert (sync.status, sync.trigger, sync.tags_copied) == (Status.SUCCEEDED, Trigger.RESTORE, 1)
    assert sync.message == f"v1 is {deleted} again. Restored; the target still had it."
    assert tags_of(mirror) == ["v1", "v2"]
    assert len(source.requests) == requests
    assert Mirror.objects.get().kept_tags == ["v1"]


def test_what_the_target_has_lost_comes_from_the_source_by_its_digest(
    mirror: Mirror, source: FaultyRegistry, deleted: str
) -> None:
    collect_garbage(connections.store(), untouched_since=timezone.now())
    source.repository("team/app").put(small_image(9), tag="v1")  # it has moved there meanwhile

    sync = run(restoring.request_restore(mirror, "v1"))

    assert sync.message == f"v1 is {deleted} again. Restored from the source."
    assert connections.store().find_manifest("acme/app", "v1").descriptor.digest == deleted  # type: ignore[union-attr]
    assert sync.bytes_copied > 0


def test_what_both_have_lost_fails_and_says_so(mirror: Mirror, source: FaultyRegistry, deleted: str) -> None:
    collect_garbage(connections.store(), untouched_since=timezone.now())
    source.repositories.clear()

    sync = run(restoring.request_restore(mirror, "v1"))

    assert (sync.status, sync.error_code) == (Status.FAILED, Code.NOT_FOUND)
    assert f"has {deleted} any more: v1 cannot be restored." in sync.message
    assert Mirror.objects.get().kept_tags == []
    assert not Sync.objects.active().exists()


def test_a_restored_tag_outlives_the_next_sync_until_it_is_let_go(mirror: Mirror, deleted: str) -> None:
    run(restoring.request_restore(mirror, "v1"))
    sync_with(mirror, "v2")
    assert tags_of(mirror) == ["v1", "v2"]

    restoring.let_go(mirror, "v1")
    sync_with(mirror, "v2")

    assert tags_of(mirror) == ["v2"]
    with pytest.raises(NotFound, match="v1 of acme/app is not among the tags that are kept"):
        restoring.let_go(mirror, "v1")


def test_it_can_be_deleted_and_restored_again(mirror: Mirror, deleted: str) -> None:
    run(restoring.request_restore(mirror, "v1"))
    restoring.let_go(mirror, "v1")
    sync_with(mirror, "v2")

    assert run(restoring.request_restore(mirror, "v1")).status == Status.SUCCEEDED
    assert tags_of(mirror) == ["v1", "v2"]


def test_an_older_digest_can_be_named(mirror: Mirror, source: FaultyRegistry) -> None:
    sync_with(mirror, "v*")
    first = source.repository("team/app").tags["v2"]
    source.repository("team/app").put(small_image(3), tag="v2")
    sync_with(mirror, "v*")
    sync_with(mirror, "v1")

    sync = run(restoring.request_restore(mirror, "v2", digest=first))

    assert sync.restores == {"tag": "v2", "target_digest": first, "source_digest": first}
    assert connections.store().find_manifest("acme/app", "v2").descriptor.digest == first  # type: ignore[union-attr]
    with pytest.raises(NotFound, match="does not know that v2 of acme/app was ever sha256:00"):
        restoring.request_restore(mirror, "v2", digest="sha256:" + "0" * 64)


def test_a_tag_of_a_remote_target_comes_back_by_its_digest(mirror: Mirror, source: FaultyRegistry) -> None:
    with FaultyRegistry() as target:
        namespace = mirror.repository.namespace
        namespace.target_registry = Registry.objects.create(name="t", address=target.address, verify_tls=False)
        namespace.save()
        sync_with(mirror, "v*")
        sync_with(mirror, "v2")
        assert set(target.repository("acme/app").tags) == {"v2"}

        assert run(restoring.request_restore(mirror, "v1")).status == Status.SUCCEEDED

        assert target.repository("acme/app").tags["v1"] == source.repository("team/app").tags["v1"]


def test_a_tag_that_follows_its_source_is_not_restored(mirror: Mirror) -> None:
    sync_with(mirror, "v*")
    digest = TagCopy.objects.get(tag="v1").target_digest
    with pytest.raises(AlreadyExists, match="is there and follows its source"):
        restoring.request_restore(mirror, "v1", digest=digest)


def test_a_tag_that_was_never_deleted_is_not_found(mirror: Mirror) -> None:
    with pytest.raises(NotFound, match="does not know a deletion of v7"):
        restoring.request_restore(mirror, "v7")


def test_nothing_is_restored_while_a_sync_is_queued(mirror: Mirror, deleted: str) -> None:
    syncs.request_sync(mirror)
    with pytest.raises(AlreadySyncing, match="Wait for it, or cancel it; then restore"):
        restoring.request_restore(mirror, "v1")


def test_a_queued_restore_is_not_turned_into_a_sync(mirror: Mirror, deleted: str) -> None:
    restore = restoring.request_restore(mirror, "v1")
    with pytest.raises(AlreadySyncing):
        syncs.request_sync(mirror)
    syncs.cancel_sync(mirror)
    assert Sync.objects.get(pk=restore.pk).status == Status.CANCELLED
    assert tags_of(mirror) == ["v2"]


def test_a_repository_out_of_the_mirror_state_is_left_alone(mirror: Mirror, deleted: str) -> None:
    Repository.objects.update(state=Repository.State.READ_ONLY)
    mirror.repository.refresh_from_db()
    with pytest.raises(InvalidInput, match="set it to MIRROR first"):
        restoring.request_restore(mirror, "v1")


def test_a_restore_that_can_be_tried_again_is_and_the_schedule_does_not_notice(
    mirror: Mirror, source: FaultyRegistry, deleted: str
) -> None:
    collect_garbage(connections.store(), untouched_since=timezone.now())
    past = timezone.now().replace(microsecond=0)
    Mirror.objects.update(starts_at=past, next_sync_at=past)
    source.fail("*", "/manifests/", status=503, times=50)

    run(restoring.request_restore(mirror, "v1"))

    following = Sync.objects.active().get()
    assert (following.trigger, following.restores["tag"]) == (Trigger.RETRY, "v1")
    source.heal()
    Sync.objects.filter(pk=following.pk).update(available_at=timezone.now())
    assert run(following).status == Status.SUCCEEDED
    assert tags_of(mirror) == ["v1", "v2"]
    stored = Mirror.objects.get()
    assert (stored.kept_tags, stored.next_sync_at) == (["v1"], past)


def test_a_failed_restore_says_nothing_of_how_the_mirror_is_doing(
    mirror: Mirror, source: FaultyRegistry, deleted: str
) -> None:
    collect_garbage(connections.store(), untouched_since=timezone.now())
    source.repositories.clear()
    run(restoring.request_restore(mirror, "v1"))
    assert mirror_status.status_of(mirror).state == mirror_status.State.SUCCEEDED
    assert mirror_phases.with_phase(Mirror.objects.all()).get().phase == mirror_phases.Phase.SUCCEEDED


def test_request_and_release_are_logged(mirror: Mirror, deleted: str) -> None:
    run(restoring.request_restore(mirror, "v1"))
    restoring.let_go(mirror, "v1")
    requested = LogEntry.objects.get(kind="revert_tag").metadata
    assert (requested["tag"], requested["manifest_digest"]) == ("v1", deleted)
    changes = LogEntry.objects.filter(kind="repo_mirror_config_changed", metadata__changed="kept_tags").order_by("pk")
    assert [entry.metadata["to"] for entry in changes] == [["v1"], []]


def test_all_that_a_restored_index_lists_comes_back_with_it(mirror: Mirror, deleted: str) -> None:
    store = connections.store()
    collect_garbage(store, untouched_since=timezone.now())
    assert store.find_manifest("acme/app", deleted) is None
    assert run(restoring.request_restore(mirror, "v1")).status == Status.SUCCEEDED
    restored = store.find_manifest("acme/app", "v1")
    assert restored is not None
    assert all(store.find_manifest("acme/app", child.digest) for child in restored.read_manifest().children())
