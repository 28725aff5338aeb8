from __future__ import annotations

import json

import pytest

from mirrors.oci import Action, Code, CopyOptions, PlatformMismatch, Side, Unsupported, copy_tags, parse_platforms
from mirrors.oci.manifest import OCI_INDEX, REFERENCE_DIGEST, Manifest
from mirrors.sample.images import Image, build_index, small_image, small_index
from tests.registry import FaultyRegistry


def attested_index() -> Image:
    """An index of two images, each with its attestation, as BuildKit writes it."""
    images = {name: small_image(9, architecture=name) for name in ("amd64", "arm64")}
    attestations = {name: small_image(10, architecture=f"{name}-attestation") for name in images}
    entries = []
    for name, image in images.items():
        entries.append(_entry(image) | {"platform": {"os": "linux", "architecture": name}})
        entries.append(
            _entry(attestations[name])
            | {"platform": {"os": "unknown", "architecture": "unknown"}}
            | {"annotations": {REFERENCE_DIGEST: image.manifest.digest}}
        )
    content = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    return Image(Manifest(content, OCI_INDEX), children=(*images.values(), *attestations.values()))


def _entry(image: Image) -> dict[str, object]:
    descriptor = image.manifest.descriptor
    return {"mediaType": descriptor.media_type, "digest": descriptor.digest, "size": descriptor.size}


async def test_a_sparse_copy_keeps_the_index_and_copies_only_what_is_wanted(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    index = attested_index()
    source_registry.repository("library/app").put(index, tag="v1")
    (outcome,) = await copy_tags(
        source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["arm64", "riscv64"]))
    )
    held = target_registry.repository("mirror/app")
    assert outcome.action is Action.COPIED
    assert held.tags == {"v1": index.manifest.digest}
    assert held.manifests[index.manifest.digest].content == index.manifest.content
    kept = {index.manifest.digest, index.children[1].manifest.digest, index.children[3].manifest.digest}
    assert set(held.manifests) == kept


async def test_one_image_of_another_architecture_is_skipped(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    source_registry.repository("library/app").put(small_image(architecture="amd64"), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["arm64"])))
    assert outcome.action is Action.SKIPPED
    assert "amd64" in outcome.reason
    assert outcome.target_digest is None
    assert target_registry.count("PUT") == 0


async def test_one_image_of_a_wanted_architecture_is_copied(source_registry: FaultyRegistry, source, target) -> None:
    source_registry.repository("library/app").put(small_image(architecture="arm64"), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["arm64"])))
    assert outcome.action is Action.COPIED


async def test_an_index_with_nothing_wanted_fails_with_both_lists(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    source_registry.repository("library/app").put(small_index(architectures=["amd64", "s390x"]), tag="v1")
    (outcome,) = await copy_tags(
        source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["riscv64", "arm64"]))
    )
    assert isinstance(outcome.error, PlatformMismatch)
    assert (outcome.error.code, outcome.error.side) == (Code.ARCH_MISMATCH, Side.SOURCE)
    assert "riscv64, arm64" in outcome.reason
    assert "linux/amd64, linux/s390x" in outcome.reason
    assert target_registry.count("PUT") == 0


async def test_nested_indexes_are_filtered_all_the_way_down(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    inner = [small_index(seed, architectures=[name]) for seed, name in ((1, "amd64"), (2, "arm64"))]
    nested = build_index(dict(zip(("a", "b"), inner, strict=True)))
    source_registry.repository("library/app").put(nested, tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["arm64"])))
    assert outcome.action is Action.COPIED
    expected = {nested.manifest.digest, *(manifest.digest for manifest in inner[1].manifests())}
    assert set(target_registry.repository("mirror/app").manifests) == expected


async def test_a_target_that_refuses_the_incomplete_index_is_told_about(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    target_registry.switches.sparse_indexes = False
    source_registry.repository("library/app").put(small_index(), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["arm64"])))
    assert isinstance(outcome.error, Unsupported)
    assert "Have the index rewritten" in outcome.reason
    assert target_registry.repository("mirror/app").tags == {}


async def test_a_deep_copy_fills_in_what_a_narrower_one_left_out(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    source_registry.repository("library/app").put(small_index(), tag="v1")
    held = target_registry.repository("mirror/app")
    await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["arm64"])))
    assert len(held.manifests) == 2
    (shallow,) = await copy_tags(source, target, ["v1"])
    assert shallow.action is Action.UNCHANGED
    (deep,) = await copy_tags(source, target, ["v1"], options=CopyOptions(deep=True))
    assert deep.action is Action.COPIED
    assert len(held.manifests) == 5
    (again,) = await copy_tags(source, target, ["v1"], options=CopyOptions(deep=True))
    assert (again.action, again.bytes_copied) == (Action.UNCHANGED, 0)


async def test_a_deep_copy_fills_in_what_a_narrower_one_left_out_of_a_nested_index(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    nested = build_index({"amd64": small_index(1), "arm64": small_index(2)})
    source_registry.repository("library/app").put(nested, tag="v1")
    await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["arm64"])))
    (deep,) = await copy_tags(source, target, ["v1"], options=CopyOptions(deep=True))
    assert deep.action is Action.COPIED
    held = target_registry.repository("mirror/app").manifests
    assert {manifest.digest for manifest in nested.manifests()} == set(held)


@pytest.mark.parametrize("deep", [False, True])
async def test_an_unchanged_image_is_not_read_for_its_architecture(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target, deep: bool
) -> None:
    for registry, name in ((source_registry, "library/app"), (target_registry, "mirror/app")):
        registry.repository(name).put(small_image(), tag="v1")
    (outcome,) = await copy_tags(
        source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["arm64"]), deep=deep)
    )
    assert outcome.action is Action.UNCHANGED
    assert source_registry.count("GET") == 0
