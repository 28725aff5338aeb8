"""What a sync makes of tags that were selected, skipped or gone, and what the next one may rely on."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirrors.models import Mirror, Sync
from mirrors.models.sync import Status, Trigger
from mirrors.oci import Store
from mirrors.sample.images import small_index
from mirrors.services.mirroring import mirrors
from mirrors.services.syncs import sync_plans, sync_runs
from tests.registry import FaultyRegistry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mirror_of_source(source: FaultyRegistry, mirror: Mirror, store_dir: Path, rung: list[int]) -> Mirror:
    """A mirror of that registry into the built-in store."""
    Mirror.objects.update(source_reference=f"{source.address}/team/app", verify_tls=False)
    return mirror


def run(mirror: Mirror, **changes: object) -> Sync:
    """Run a sync of the mirror with these columns changed."""
    Mirror.objects.filter(pk=mirror.pk).update(**changes)
    sync = Sync.objects.create(mirror=mirror)
    sync_runs.run_sync(sync.pk)
    return Sync.objects.get(pk=sync.pk)


def looks_into_equal_tags(mirror: Mirror) -> bool:
    """Whether the next sync would read indexes whose digest has not changed."""
    mirror = Mirror.objects.get(pk=mirror.pk)
    following = Sync(pk=Sync.objects.latest("pk").pk + 1, mirror=mirror, snapshot=sync_plans.snapshot_of(mirror))
    return bool(sync_plans.plan_of(following).options_for(["v1", "v2"], listed=[]).deep)


def test_other_architectures_are_looked_for_until_a_sync_has_copied_them_and_no_longer(
    mirror_of_source: Mirror,
) -> None:
    run(mirror_of_source, platforms=["amd64"])
    Mirror.objects.update(platforms=[])

    assert looks_into_equal_tags(mirror_of_source)
    assert run(mirror_of_source).status == Status.SUCCEEDED
    assert not looks_into_equal_tags(mirror_of_source)


def test_a_new_mirror_of_a_repository_that_has_content_looks_for_what_an_old_one_left_out(
    mirror_of_source: Mirror, source: FaultyRegistry, store_dir: Path
) -> None:
    index = small_index(3)
    source.repository("team/app").put(index, tag="v3")
    assert run(mirror_of_source, platforms=["amd64"], tag_patterns=["v3"]).status == Status.SUCCEEDED
    former = Mirror.objects.get(pk=mirror_of_source.pk)
    repository, columns = former.repository, {"source_reference": former.source_reference, "verify_tls": False}
    mirrors.delete_mirror(former)
    created = mirrors.create_mirror(repository, {**columns, "tag_patterns": ["v3"], "robot": former.robot})

    assert run(created).status == Status.SUCCEEDED
    held = Store(store_dir)
    for manifest in index.manifests():
        assert held.find_manifest(repository.full_name, manifest.digest) is not None


def test_a_sync_that_found_no_tag_has_not_looked_for_other_architectures(mirror_of_source: Mirror) -> None:
    run(mirror_of_source, platforms=["amd64"])
    assert run(mirror_of_source, platforms=[], tag_patterns=["nothing"]).message.startswith("No tags matched")

    assert looks_into_equal_tags(mirror_of_source)


def test_a_retry_whose_tags_are_gone_says_so(mirror_of_source: Mirror) -> None:
    run(mirror_of_source)
    sync = Sync.objects.create(mirror=mirror_of_source, trigger=Trigger.RETRY, only_tags=["v3"], attempt=2)

    sync_runs.run_sync(sync.pk)

    sync.refresh_from_db()
    assert (sync.status, sync.message) == (Status.SUCCEEDED, "Tags: none left to copy.")


def test_a_first_sync_that_skips_every_tag_succeeds(mirror_of_source: Mirror) -> None:
    sync = run(mirror_of_source, platforms=["s390x"])

    assert (sync.status, sync.message) == (Status.SUCCEEDED, "Tags: 2 skipped.")


def test_what_the_source_says_of_its_limit_is_recorded(source: FaultyRegistry, mirror_of_source: Mirror) -> None:
    source.switches.headers = {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600"}
    limit = run(mirror_of_source).rate_limit
    assert limit == {"limit": 100, "remaining": 76, "window": 21600.0, "source": None}
