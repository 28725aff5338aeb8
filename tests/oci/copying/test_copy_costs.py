"""What a copy asks and moves: everything once, and nothing that is there already."""

from __future__ import annotations

from mirrors.oci import Action, CopyOptions, Side, TagOutcome, copy_tags
from mirrors.sample.images import build_image, build_layer, small_image, small_index
from tests.registry import FaultyRegistry

MIB = 1 << 20


def actions(outcomes: list[TagOutcome]) -> dict[str, str]:
    return {outcome.tag: outcome.action.value for outcome in outcomes}


async def test_an_unchanged_repository_costs_one_head_per_tag_and_nothing_else(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    for number in range(500):
        source_registry.repository("library/app").put(small_image(number), tag=f"v{number}")
        target_registry.repository("mirror/app").put(small_image(number), tag=f"v{number}")
    tags = await source.list_tags()
    outcomes = await copy_tags(source, target, tags, options=CopyOptions(source_tags=tags))
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


async def test_no_tags_are_no_requests(source_registry: FaultyRegistry, source, target) -> None:
    assert await copy_tags(source, target, []) == []
    assert source_registry.count() == 0
