"""What a failed run does: try again what failed and only that, later and later, and delete nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mirrors.sample.images import Image, image_of_size, small_image
from tests.fixtures.farms import Organization, in_profile
from tests.fixtures.registries import DockerRegistry
from tests.fixtures.waiting import wait_until

pytestmark = [pytest.mark.farm, in_profile("farm")]

BROKEN = image_of_size(5_000, seed=77)
_numbers = itertools.count(1)


@pytest.fixture
def source(docker_registry: DockerRegistry) -> str:
    """A repository with the tags old, good and broken; the last is whole until a test spoils it."""
    name = f"failing/app{next(_numbers)}"
    docker_registry.push(name, {"old": small_image(71), "good": small_image(72), "broken": BROKEN})
    return f"{docker_registry.address}/{name}"


def test_a_retry_copies_only_the_failed_tags_after_a_pause_and_deletes_only_after_success(
    remote_organization: Organization, target_registry: DockerRegistry, docker_registry: DockerRegistry, source: str
) -> None:
    mirror = remote_organization.mirror(source, tags="old")
    mirror.sync()
    mirror.change(tag_patterns=["good", "broken"])

    with spoilt(docker_registry, BROKEN):
        mirror.request()
        wait_until(lambda: len(mirror.syncs()) == 3, 30, lambda: str(mirror.syncs()))
        failed = mirror.syncs()[1]
        assert target_registry.tags(mirror.full_name) == ["good", "old"], "a failed run deletes nothing"
    last = mirror.wait_for_end()

    assert (failed.status, failed.error_code, failed.error_side) == ("failed", "digest_mismatch", "source")
    assert "1 of 2 tags failed. broken: " in failed.message
    assert "No tag was deleted." in failed.message
    retry = mirror.syncs()[2]
    assert (retry.trigger, retry.attempt, retry.previous_id, retry.only_tags) == ("retry", 2, failed.id, ["broken"])
    assert (retry.available_at - failed.finished_at).total_seconds() > 0.5
    assert retry.started_at >= retry.available_at
    assert last.status == "succeeded"
    assert {tag: copy.action for tag, copy in mirror.tag_copies(last).items()} == {"broken": "copied", "old": "deleted"}
    assert target_registry.tags(mirror.full_name) == ["broken", "good"]


def test_after_three_failed_attempts_each_later_than_the_one_before_the_mirror_waits_for_its_next_due_time(
    remote_organization: Organization, target_registry: DockerRegistry, docker_registry: DockerRegistry, source: str
) -> None:
    mirror = remote_organization.mirror(source, tags="old", due=True, sync_interval=3600)
    assert wait_until(lambda: mirror.syncs() and mirror.wait_for_end()).status == "succeeded"
    mirror.change(tag_patterns=["broken"])
    before = mirror.row.next_sync_at

    with spoilt(docker_registry, BROKEN):
        mirror.request()
        attempts = wait_until(
            lambda: [s for s in mirror.syncs()[1:] if s.status == "failed"][2:] and mirror.syncs()[1:]
        )

    assert [sync.attempt for sync in attempts] == [1, 2, 3]
    first, second, third = attempts
    assert (third.available_at - second.finished_at) > (second.available_at - first.finished_at)
    assert target_registry.tags(mirror.full_name) == ["old"]
    assert mirror.row.next_sync_at == before
    assert mirror.row.is_enabled


def test_tags_that_no_longer_match_are_deleted_after_a_faultless_run(
    remote_organization: Organization, target_registry: DockerRegistry, source: str
) -> None:
    mirror = remote_organization.mirror(source, tags="*")
    mirror.sync()
    assert target_registry.tags(mirror.full_name) == ["broken", "good", "old"]

    mirror.change(tag_patterns=["g*"])
    sync = mirror.sync()

    assert (sync.status, sync.tags_deleted, sync.tags_unchanged) == ("succeeded", 2, 1)
    assert target_registry.tags(mirror.full_name) == ["good"]


def test_an_empty_selection_is_said_and_deletes_nothing(
    remote_organization: Organization, target_registry: DockerRegistry, source: str
) -> None:
    mirror = remote_organization.mirror(source, tags="old")
    mirror.sync()

    mirror.change(tag_patterns=["nothing-*"])
    sync = mirror.sync()

    assert sync.message.startswith("No tags matched")
    assert "nothing-*" in sync.message
    assert sync.tags_deleted == 0
    assert target_registry.tags(mirror.full_name) == ["old"]


@contextmanager
def spoilt(registry: DockerRegistry, image: Image) -> Iterator[None]:
    """While this holds, the registry serves wrong bytes for the image's largest blob."""
    digest, content = max(image.blobs.items(), key=lambda blob: len(blob[1]))
    algorithm, _, value = digest.partition(":")
    path = registry.root / f"docker/registry/v2/blobs/{algorithm}/{value[:2]}/{value}/data"
    assert path.read_bytes() == content
    path.write_bytes(bytes(len(content)))
    try:
        yield
    finally:
        path.write_bytes(content)
