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
    RemoteRepository,
    Side,
    TagOutcome,
    Timeouts,
    copy_tags,
)
from mirrors.oci.manifest import OCI_MANIFEST, Manifest
from mirrors.sample.images import (
    Family,
    Image,
    build_image,
    build_index,
    build_layer,
    image_of_size,
    small_image,
    small_index,
)
from tests.registry import FaultyRegistry

MIB = 1 << 20


def actions(outcomes: list[TagOutcome]) -> dict[str, str]:
    return {outcome.tag: outcome.action.value for outcome in outcomes}


@pytest.fixture
def images(source_registry: FaultyRegistry) -> dict[str, Image]:
    """One of each kind, at the source."""
    images = {
        "docker": small_image(1, family=Family.DOCKER),
        "index": small_index(2),
        "list": small_index(3, family=Family.DOCKER),
        "nested": build_index({"amd64": small_index(2), "arm64": small_index(4)}),
        "oci": small_image(5),
    }
    for tag, image in images.items():
        source_registry.repository("library/app").put(image, tag=tag)
    return images


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off takes no time here."""
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)


async def test_every_kind_of_image_arrives_byte_for_byte(
    target_registry: FaultyRegistry, source: RemoteRepository, target: RemoteRepository, images: dict[str, Image]
) -> None:
    outcomes = await copy_tags(source, target, await source.list_tags())
    held = target_registry.repository("mirror/app")
    assert actions(outcomes) == dict.fromkeys(images, "copied")
    assert held.tags == {tag: image.manifest.digest for tag, image in images.items()}
    for image in images.values():
        assert {manifest.digest for manifest in image.manifests()} <= set(held.manifests)
        assert image.all_blobs().items() <= held.blobs.items()


async def test_an_unchanged_repository_costs_one_head_per_tag_and_nothing_else(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    for number in range(500):
        source_registry.repository("library/app").put(small_image(number), tag=f"v{number}")
        target_registry.repository("mirror/app").put(small_image(number), tag=f"v{number}")
    outcomes = await copy_tags(source, target, await source.list_tags())
    assert set(actions(outcomes).values()) == {"unchanged"}
    assert source_registry.count("GET", "/tags/list") == 1
    assert source_registry.count("HEAD", "/manifests/v") == 500
    assert source_registry.count() == 501
    assert target_registry.count("HEAD", "/manifests/v") == 500
    assert target_registry.count("GET", "/tags/list") == 1
    assert target_registry.count() == 501


async def test_a_blob_moves_once_however_many_tags_need_it(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    base = build_layer({"base": bytes(2 * MIB)})
    for number in range(10):
        image = build_image([base, build_layer({"own": b"%d" % number})], name=str(number))
        source_registry.repository("library/app").put(image, tag=f"v{number}")
    await copy_tags(source, target, await source.list_tags())
    fetched = [request.path for request in source_registry.seen("GET", "/blobs/")]
    assert len(fetched) == len(set(fetched)) == 21
    assert target_registry.count("PUT", "/blobs/") == 21


async def test_a_first_copy_asks_the_target_for_nothing_it_cannot_have(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    for number in range(10):
        source_registry.repository("library/app").put(small_index(number), tag=f"v{number}")
    outcomes = await copy_tags(source, target, await source.list_tags())
    assert set(actions(outcomes).values()) == {"copied"}
    assert target_registry.count("HEAD") == 0


async def test_a_rate_limit_in_the_middle_slows_the_copy_and_fails_nothing(
    source_registry: FaultyRegistry, source, target
) -> None:
    for number in range(40):
        source_registry.repository("library/app").put(small_image(number), tag=f"v{number}")
    source_registry.fail("*", "/v2/", status=429, headers={"Retry-After": "1"}, times=20)
    outcomes = await copy_tags(source, target, [f"v{number}" for number in range(40)])
    assert set(actions(outcomes).values()) == {"copied"}


async def test_tags_of_one_digest_are_walked_once(source_registry: FaultyRegistry, source, target) -> None:
    for tag in ("v1", "v1.2", "v1.2.3", "latest"):
        source_registry.repository("library/app").put(small_index(), tag=tag)
    outcomes = await copy_tags(source, target, await source.list_tags())
    assert set(actions(outcomes).values()) == {"copied"}
    assert source_registry.count("GET", "/manifests/") <= 4 + 4
    assert source_registry.count("GET", "/blobs/") == 8


async def test_what_the_target_has_is_not_moved(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    base = build_layer({"base": bytes(MIB)})
    old, new = (build_image([base, build_layer({"own": name})], name=str(name)) for name in (b"old", b"new"))
    target_registry.repository("mirror/app").put(old, tag="latest")
    source_registry.repository("library/app").put(new, tag="latest")
    (outcome,) = await copy_tags(source, target, ["latest"])
    assert (outcome.blobs_copied, outcome.blobs_present) == (2, 1)
    assert (outcome.target_digest_before, outcome.target_digest) == (old.manifest.digest, new.manifest.digest)
    assert outcome.bytes_copied == sum(blob.size for blob in new.manifest.blobs() if blob.digest not in old.blobs)


async def test_the_tag_is_the_last_thing_that_is_written(
    target_registry: FaultyRegistry, source, target, images: dict[str, Image]
) -> None:
    await copy_tags(source, target, ["nested"])
    writes = [request.path.rpartition("/")[2] for request in target_registry.seen("PUT")]
    manifests = [last for last in writes if last.startswith("sha256:") or last == "nested"]
    assert writes[-1] == "nested"
    assert manifests.index(small_index(2).manifest.digest) > max(
        manifests.index(child.digest) for child in small_index(2).manifest.children()
    )


async def test_blobs_of_a_sibling_are_mounted(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    source_registry.repository("library/app").put(small_image(), tag="v1")
    target_registry.repository("mirror/sibling").put(small_image())
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(mount_from=["mirror/sibling"]))
    assert (outcome.action, outcome.blobs_mounted, outcome.blobs_copied) == (Action.COPIED, 2, 0)
    assert source_registry.count("GET", "/blobs/") == 0
    assert target_registry.repository("mirror/app").uploads == {}


async def test_a_copy_within_one_registry_moves_no_blob(source_registry: FaultyRegistry, open_repository) -> None:
    source_registry.repository("library/app").put(small_image(), tag="v1")
    source = await open_repository(source_registry.address)
    target = await open_repository(source_registry.address, "mirror/app", side=Side.TARGET)
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert (outcome.action, outcome.blobs_mounted) == (Action.COPIED, 2)
    assert source_registry.count("GET", "/blobs/") == 0


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


async def test_a_tag_that_moves_while_it_is_copied_ends_consistent(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    held = source_registry.repository("library/app")
    held.put(small_image(1), tag="v1")
    resolve = source.resolve

    async def resolve_then_move(reference: str):
        descriptor = await resolve(reference)
        held.manifests.clear()
        held.put(small_image(2), tag="v1")
        return descriptor

    source.resolve = resolve_then_move
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED
    assert outcome.source_digest == small_image(2).manifest.digest
    assert target_registry.repository("mirror/app").tags == {"v1": small_image(2).manifest.digest}


async def test_foreign_layers_stay_where_they_are(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    config, content = next(iter(small_image().blobs.items()))
    document = (
        b'{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},'
        b'"layers":[{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"sha256:%s",'
        b'"size":5,"urls":["https://mcr.microsoft.com/x"]}]}'
    ) % (config.encode(), len(content), b"0" * 64)
    image = Image(Manifest(document, OCI_MANIFEST), {config: content})
    source_registry.repository("library/app").put(image, tag="windows")
    (outcome,) = await copy_tags(source, target, ["windows"])
    assert outcome.action is Action.COPIED
    assert list(target_registry.repository("mirror/app").blobs) == [config]
    assert source_registry.count("GET", "/blobs/sha256:0000") == 0


async def test_a_sha512_image_keeps_its_digest(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    child = Manifest(small_image().manifest.content, OCI_MANIFEST, "sha512")
    document = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' % (
        b'{"mediaType":"%s","digest":"%s","size":%d}'
        % (OCI_MANIFEST.encode(), child.digest.encode(), len(child.content))
    )
    index = Manifest(document, "application/vnd.oci.image.index.v1+json")
    held = source_registry.repository("library/app")
    held.put(Image(index, small_image().blobs), tag="v1")
    held.manifests[child.digest] = child
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED
    assert child.digest in target_registry.repository("mirror/app").manifests


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
    source_registry.fail("HEAD", "/manifests/", status=401, times=10_000)
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


async def test_no_tags_are_no_requests(source_registry: FaultyRegistry, source, target) -> None:
    assert await copy_tags(source, target, []) == []
    assert source_registry.count() == 0
