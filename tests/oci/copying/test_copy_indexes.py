from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mirrors.oci import Action, CopyOptions, IndexLimits, Side, Unsupported, copy_tags, parse_platforms
from mirrors.oci.images.manifest import OCI_INDEX, OCI_MANIFEST, Descriptor, Manifest
from mirrors.sample.images import Image, build_index, small_image, small_index
from tests.registry import FaultyRegistry


async def test_of_a_large_index_only_some_images_are_held_at_a_time(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    index = build_index({f"arch{number}": small_image(number) for number in range(60)})
    source_registry.repository("library/app").put(index, tag="v1")
    source_registry.switches.delay = 0.02
    ahead = []
    fetch = source.fetch_manifest

    async def fetch_and_count(reference: str) -> Manifest:
        ahead.append(source_registry.count("GET", "/manifests/") - target_registry.count("PUT", "/manifests/"))
        return await fetch(reference)

    source.fetch_manifest = fetch_and_count
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED
    assert max(ahead) <= 17


async def test_of_large_manifests_fewer_are_held_at_a_time(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    images = []
    for number in range(8):
        image = small_image(number)
        document = json.loads(image.manifest.content) | {"annotations": {"org.example": "x" * 600_000}}
        images.append(Image(Manifest(json.dumps(document).encode(), OCI_MANIFEST), image.blobs))
    index = build_index({f"arch{number}": image for number, image in enumerate(images)})
    source_registry.repository("library/app").put(index, tag="v1")
    source_registry.switches.delay = 0.02
    ahead = []
    fetch = source.fetch_manifest

    async def fetch_and_count(reference: str) -> Manifest:
        ahead.append(source_registry.count("GET", "/manifests/") - target_registry.count("PUT", "/manifests/"))
        return await fetch(reference)

    source.fetch_manifest = fetch_and_count
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED
    assert max(ahead) <= 4


async def test_an_index_that_is_listed_as_an_image_is_not_copied(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    inner = small_index()
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            {"mediaType": OCI_MANIFEST, "digest": inner.manifest.digest, "size": len(inner.manifest.content)}
        ],
    }
    outer = Image(Manifest(json.dumps(document).encode(), OCI_INDEX), children=(inner,))
    source_registry.repository("library/app").put(outer, tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert (outcome.action, outcome.error and outcome.error.side) == (Action.FAILED, Side.SOURCE)
    assert target_registry.repository("mirror/app").tags == {}


LIMITS = IndexLimits(bytes=2000, entries=3, depth=2)


@pytest.mark.parametrize(
    ("root", "sentence"),
    [
        (small_index(), "has 4 entries. At most 3 are copied"),
        (build_index({"a": build_index({"b": small_index(architectures=["arm64"])})}), "the end of 3 levels"),
        (build_index({"a": small_index()}), "has 4 entries"),
    ],
)
@pytest.mark.parametrize("platforms", [[], ["s390x", "arm64"]])
async def test_an_index_beyond_the_limits_is_refused_and_never_cut_off(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    source,
    target,
    root: Image,
    sentence: str,
    platforms: list[str],
) -> None:
    source_registry.repository("library/app").put(root, tag="v1")
    options = CopyOptions(limits=LIMITS, platforms=parse_platforms(platforms))
    (outcome,) = await copy_tags(source, target, ["v1"], options=options)
    assert isinstance(outcome.error, Unsupported)
    assert (outcome.error.side, outcome.error.retryable) == (Side.SOURCE, False)
    assert sentence in outcome.reason
    assert target_registry.repository("mirror/app").tags == {}
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED


async def test_a_manifest_that_is_too_large_is_refused_before_it_is_read(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    index = small_index(architectures=["amd64", "arm64", "s390x"])
    size = len(index.manifest.content)
    source_registry.repository("library/app").put(index, tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(limits=IndexLimits(bytes=size - 1)))
    assert isinstance(outcome.error, Unsupported)
    assert f"has {size} bytes. At most {size - 1} are copied" in outcome.reason
    assert source_registry.count("GET") == 0
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(limits=IndexLimits(bytes=size)))
    assert outcome.action is Action.COPIED


async def test_a_registry_that_hides_a_size_gets_no_manifest_past_the_limit(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    source_registry.switches.head_length = False
    source_registry.repository("library/app").put(small_image(), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(limits=IndexLimits(bytes=100)))
    assert "At most 100 are copied" in outcome.reason
    assert target_registry.count("PUT") == 0


async def test_a_tag_that_has_moved_to_a_manifest_past_the_limit_is_refused(
    source_registry: FaultyRegistry, source, target
) -> None:
    app, small = source_registry.repository("library/app"), small_image(9)
    app.put(small_index(), tag="v1")
    resolve = source.resolve

    async def resolve_too_early(tag: str) -> Descriptor:
        await resolve(tag)
        return small.manifest.descriptor  # as it was, and is not known to the registry any more

    source.resolve = resolve_too_early
    limits = IndexLimits(bytes=len(small.manifest.content))
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(limits=limits))
    assert f"At most {limits.bytes} are copied" in outcome.reason
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert (outcome.action, outcome.source_digest) == (Action.COPIED, app.tags["v1"])


async def test_a_manifest_beyond_ten_megabytes_is_copied_once_both_limits_are_raised(
    source_registry: FaultyRegistry, target, open_repository
) -> None:
    index = small_index()
    content = json.dumps(index.manifest.document | {"annotations": {"large": "x" * (10 << 20)}}).encode()
    large = replace(index, manifest=Manifest(content, index.manifest.media_type))
    source_registry.repository("library/app").put(large, tag="v1")
    for largest, action in ((10 << 20, Action.FAILED), (11 << 20, Action.COPIED)):
        source = await open_repository(source_registry.address, largest_answer=largest)
        options = CopyOptions(limits=IndexLimits(bytes=11 << 20))
        (outcome,) = await copy_tags(source, target, ["v1"], options=options)
        assert outcome.action is action
        assert ("REPO_MIRROR_MAX_MANIFEST_LIST_SIZE" in outcome.reason) is (action is Action.FAILED)
