"""What goes wrong costs the tag that it concerns, and no other."""

from __future__ import annotations

import pytest

from mirrors.oci import (
    Action,
    Code,
    CopyOptions,
    DigestMismatch,
    NotFound,
    Progress,
    RegistryTimeout,
    Side,
    TagOutcome,
    Timeouts,
    copy_tags,
)
from mirrors.oci.images.manifest import Manifest
from mirrors.sample.images import Image, image_of_size, small_image
from tests.registry import FaultyRegistry

pytestmark = pytest.mark.usefixtures("no_pauses")
MIB = 1 << 20


def actions(outcomes: list[TagOutcome]) -> dict[str, str]:
    return {outcome.tag: outcome.action.value for outcome in outcomes}


async def test_a_rate_limit_in_the_middle_slows_the_copy_and_fails_nothing(
    source_registry: FaultyRegistry, source, target
) -> None:
    for number in range(40):
        source_registry.repository("library/app").put(small_image(number), tag=f"v{number}")
    source_registry.fail("*", "/v2/", status=429, headers={"Retry-After": "1"}, times=20)
    outcomes = await copy_tags(source, target, [f"v{number}" for number in range(40)])
    assert set(actions(outcomes).values()) == {"copied"}


async def test_a_failing_tag_does_not_stop_the_others(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target, images: dict[str, Image]
) -> None:
    broken = next(iter(images["oci"].blobs))
    del source_registry.repository("library/app").blobs[broken]
    seen: list[str] = []
    progress = Progress()
    outcomes = await copy_tags(
        source,
        target,
        [*images, "missing"],
        progress=progress,
        on_outcome=lambda outcome: seen.append(outcome.tag),
    )
    assert actions(outcomes) == {**dict.fromkeys(images, "copied"), "oci": "failed", "missing": "failed"}
    errors = {outcome.tag: outcome.error for outcome in outcomes if outcome.error}
    assert isinstance(errors["oci"], NotFound)
    assert isinstance(errors["missing"], NotFound)
    assert {error.side for error in errors.values()} == {Side.SOURCE}
    assert "oci" not in target_registry.repository("mirror/app").tags
    assert sorted(seen) == sorted([*images, "missing"])
    assert (progress.tags_total, progress.tags_done, progress.tags_copied, progress.tags_failed) == (6, 6, 4, 2)
    assert progress.active == {}


@pytest.mark.parametrize("fault", ["truncated", "corrupt"])
@pytest.mark.parametrize("size", [100_000, 3 * MIB])
async def test_a_bad_blob_never_reaches_the_target(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target, size: int, fault: str
) -> None:
    source_registry.switches.blobs = fault
    source_registry.repository("library/app").put(image_of_size(size), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"])
    held = target_registry.repository("mirror/app")
    assert outcome.error is not None
    assert outcome.error.side is Side.SOURCE
    assert outcome.error.code is (Code.DIGEST_MISMATCH if fault == "corrupt" else Code.CONNECTION)
    log = [(request.method, request.path) for request in target_registry.requests]
    assert (held.blobs, held.tags, held.uploads) == ({}, {}, {}), log


async def test_a_blob_that_breaks_off_once_arrives_on_the_second_try(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    image = image_of_size(2 * MIB)
    source_registry.repository("library/app").put(image, tag="v1")
    source_registry.fail("GET", "/blobs/", status=200, body=b"short", times=1)
    progress = Progress()
    (outcome,) = await copy_tags(source, target, ["v1"], progress=progress)
    assert outcome.action is Action.COPIED
    assert outcome.bytes_copied == progress.bytes_copied == sum(blob.size for blob in image.manifest.blobs())


async def test_a_slow_tag_times_out_alone(
    source_registry: FaultyRegistry, open_repository, target, images: dict[str, Image]
) -> None:
    patient = Timeouts(connect=9, read=9, commit=9)
    source = await open_repository(source_registry.address, timeouts=patient)
    held = source_registry.repository("library/app")
    held.put(image_of_size(MIB), tag="slow")
    slow = image_of_size(MIB).manifest.digest
    fetch = source.fetch_manifest

    async def fetch_slowly(reference: str) -> Manifest:
        if reference == slow:
            source_registry.switches.delay = 4
        return await fetch(reference)

    source.fetch_manifest = fetch_slowly
    outcomes = await copy_tags(source, target, ["oci", "slow"], options=CopyOptions(tag_timeout=2, concurrency=1))
    assert actions(outcomes) == {"oci": "copied", "slow": "failed"}
    assert isinstance(outcomes[1].error, RegistryTimeout)
    assert "within 2 seconds" in outcomes[1].reason


async def test_an_immutable_tag_fails_with_its_own_code(
    target_registry: FaultyRegistry, source, target, images: dict[str, Image]
) -> None:
    target_registry.fail("PUT", "/manifests/oci", status=412)
    (outcome,) = await copy_tags(source, target, ["oci"])
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.side) == (Code.IMMUTABLE, Side.TARGET)


async def test_a_corrupting_target_is_found_out(
    target_registry: FaultyRegistry, source, target, images: dict[str, Image]
) -> None:
    target_registry.fail("PUT", "/manifests/", status=201, headers={"Docker-Content-Digest": "sha256:" + "1" * 64})
    (outcome,) = await copy_tags(source, target, ["oci"])
    assert isinstance(outcome.error, DigestMismatch)
    assert outcome.error.side is Side.TARGET


async def test_a_mistake_of_ours_costs_one_tag(source, target, images: dict[str, Image], caplog) -> None:
    fetch = source.fetch_manifest

    async def fetch_or_crash(reference: str) -> Manifest:
        if reference == images["oci"].manifest.digest:
            raise ZeroDivisionError
        return await fetch(reference)

    source.fetch_manifest = fetch_or_crash
    outcomes = await copy_tags(source, target, ["docker", "oci"])
    assert actions(outcomes) == {"docker": "copied", "oci": "failed"}
    assert outcomes[1].error is not None
    assert outcomes[1].error.code is Code.INTERNAL
    assert "ZeroDivisionError" in caplog.text


async def test_a_side_that_stays_dead_is_not_asked_for_every_tag(
    source_registry: FaultyRegistry, source, target
) -> None:
    source_registry.fail("*", "/manifests/", status=401, times=10_000)
    outcomes = await copy_tags(source, target, [f"v{number}" for number in range(1000)])
    assert set(actions(outcomes).values()) == {"failed"}
    assert {outcome.error.code for outcome in outcomes if outcome.error} == {Code.AUTH_FAILED}
    assert source_registry.count() < 60


async def test_a_side_that_dies_after_the_comparison_is_not_asked_for_every_tag_either(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    for number in range(200):
        source_registry.repository("library/app").put(small_image(number), tag=f"v{number}")
    target_registry.fail("POST", "/blobs/", status=401, times=10_000)
    outcomes = await copy_tags(source, target, await source.list_tags())
    assert {outcome.error.code for outcome in outcomes if outcome.error} == {Code.AUTH_FAILED}
    assert len(outcomes) == 200
    assert target_registry.count("POST") < 100


async def test_an_upload_the_target_has_lost_is_started_again(
    target_registry: FaultyRegistry, source, target, images: dict[str, Image]
) -> None:
    target_registry.fail("PUT", "/blobs/uploads/", status=404, times=1)
    (outcome,) = await copy_tags(source, target, ["oci"])
    assert outcome.action is Action.COPIED


async def test_a_target_that_has_not_seen_a_child_yet_is_asked_again(
    target_registry: FaultyRegistry, source, target, images: dict[str, Image]
) -> None:
    body = b'{"errors": [{"code": "MANIFEST_BLOB_UNKNOWN"}]}'
    target_registry.fail("PUT", "/manifests/index", status=400, body=body, times=2)
    (outcome,) = await copy_tags(source, target, ["index"])
    assert outcome.action is Action.COPIED
    target_registry.fail("PUT", "/manifests/list", status=400, body=body, times=9)
    (outcome,) = await copy_tags(source, target, ["list"])
    assert (outcome.action, outcome.error and outcome.error.code) == (Action.FAILED, Code.UNSUPPORTED)
    assert "lacks a part" in outcome.reason


async def test_a_repository_of_tags_is_copied_through_the_patch_way_where_put_is_refused(
    target_registry: FaultyRegistry, source, target, images: dict[str, Image]
) -> None:
    target_registry.switches.uploads = "patch"
    outcomes = await copy_tags(source, target, list(images))
    assert set(actions(outcomes).values()) == {"copied"}
