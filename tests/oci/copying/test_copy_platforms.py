from __future__ import annotations

import json

import pytest

from mirrors.oci import Action, Code, CopyOptions, PlatformMismatch, Side, Unsupported, copy_tags, parse_platforms
from mirrors.oci.images.manifest import OCI_INDEX, REFERENCE_DIGEST, Manifest
from mirrors.sample.images import Image, build_index, small_image, small_index
from tests.oci.quirks.data_sets import (
    CONFIG_TYPE,
    DATA_SETS,
    DataSet,
    blobs_of,
    entry,
    entry_of,
    from_image,
    image_manifest,
    index_manifest,
)
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
    (deep,) = await copy_tags(source, target, ["v1"], options=CopyOptions(deep=["v1"]))
    assert deep.action is Action.COPIED
    assert len(held.manifests) == 5
    (again,) = await copy_tags(source, target, ["v1"], options=CopyOptions(deep=["v1"]))
    assert (again.action, again.bytes_copied) == (Action.UNCHANGED, 0)


async def test_a_deep_copy_fills_in_what_a_narrower_one_left_out_of_a_nested_index(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    nested = build_index({"amd64": small_index(1), "arm64": small_index(2)})
    source_registry.repository("library/app").put(nested, tag="v1")
    await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["arm64"])))
    (deep,) = await copy_tags(source, target, ["v1"], options=CopyOptions(deep=["v1"]))
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
        source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["arm64"]), deep=["v1"] if deep else ())
    )
    assert outcome.action is Action.UNCHANGED
    assert source_registry.count("GET", "/manifests/sha256:|/blobs/") == 0


def variants_index() -> DataSet:
    """An index of images for two variants of arm, for arm64 without one, and for Windows."""
    wanted = [("linux", "arm", "v6"), ("linux", "arm", "v7"), ("linux", "arm64", ""), ("windows", "arm64", "")]
    images = [from_image(small_image(20 + number)) for number, _ in enumerate(wanted)]
    listed = [
        entry_of(image.root, platform=dict(zip(("os", "architecture", "variant"), platform, strict=True)))
        for image, platform in zip(images, wanted, strict=True)
    ]
    blobs = {digest: content for image in images for digest, content in image.blobs.items()}
    return DataSet(index_manifest(listed), [image.root for image in images], blobs)


@pytest.mark.parametrize(
    ("platforms", "kept"),
    [
        (["linux/arm/v7"], [1]),
        (["arm"], [0, 1]),
        (["linux/arm64/v8"], [2]),
        (["aarch64"], [2, 3]),
        (["windows/arm64", "linux/arm/v6"], [0, 3]),
    ],
)
async def test_system_and_variant_choose_too(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    source,
    target,
    platforms: list[str],
    kept: list[int],
) -> None:
    data = variants_index()
    data.put(source_registry.repository("library/app"), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(platforms)))
    assert outcome.action is Action.COPIED
    expected = {data.root.digest, *(data.manifests[number].digest for number in kept)}
    assert set(target_registry.repository("mirror/app").manifests) == expected


async def test_an_attestation_of_a_nested_index_follows_its_image(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    inner = attested_index()
    source_registry.repository("library/app").put(build_index({"a": inner}), tag="v1")
    await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["linux/arm64"])))
    kept = set(target_registry.repository("mirror/app").manifests)
    amd64, arm64, about_amd64, about_arm64 = (child.manifest.digest for child in inner.children)
    assert {arm64, about_arm64} < kept
    assert not {amd64, about_amd64} & kept


def of_variant(architecture: str, variant: str) -> DataSet:
    """An image of its own whose config names a variant."""
    config = json.dumps({"architecture": architecture, "os": "linux", "variant": variant}).encode()
    return DataSet(image_manifest(entry(CONFIG_TYPE, config), []), blobs=blobs_of(config))


@pytest.mark.parametrize(
    ("variant", "action"), [("v7", Action.COPIED), ("v6", Action.SKIPPED), ("", Action.COPIED), ("v5", Action.SKIPPED)]
)
async def test_one_image_is_chosen_by_the_variant_in_its_config(
    source_registry: FaultyRegistry, source, target, variant: str, action: Action
) -> None:
    of_variant("arm", variant).put(source_registry.repository("library/app"), tag="v1")
    options = CopyOptions(platforms=parse_platforms(["linux/arm/v7"]))
    (outcome,) = await copy_tags(source, target, ["v1"], options=options)
    assert outcome.action is action
    if action is Action.SKIPPED:
        assert outcome.reason == f"Its only platform, linux/arm/{variant}, is not wanted: linux/arm/v7."


@pytest.mark.parametrize("kind", ["artifact", "artifact without layers", "artifact index", "empty index"])
async def test_what_runs_on_no_platform_is_copied_whatever_is_wanted(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target, kind: str
) -> None:
    data = DATA_SETS[kind]
    data.put(source_registry.repository("library/app"), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["s390x"])))
    assert outcome.action is Action.COPIED
    assert target_registry.repository("mirror/app").is_complete(data.root.digest)


@pytest.mark.parametrize("more", [{}, {"platform": {}}, {"platform": {"os": "linux"}}])
async def test_an_image_that_its_index_names_no_platform_of_is_chosen_by_its_config(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target, more: dict[str, object]
) -> None:
    images = [from_image(small_image(architecture=name)) for name in ("amd64", "arm64")]
    root = index_manifest([entry_of(image.root, **more) for image in images])
    DataSet(root, [image.root for image in images], images[0].blobs | images[1].blobs).put(
        source_registry.repository("library/app"), tag="v1"
    )
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["arm64"])))
    assert outcome.action is Action.COPIED
    assert set(target_registry.repository("mirror/app").manifests) == {root.digest, images[1].root.digest}


async def test_an_attestation_follows_its_image_into_a_nested_index(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    images = [from_image(small_image(architecture=name)) for name in ("amd64", "arm64")]
    abouts = [from_image(small_image(number, architecture="unknown")) for number in (8, 9)]
    inner = index_manifest([entry_of(image.root) for image in images])
    unknown = {"os": "unknown", "architecture": "unknown"}
    listed = [
        entry_of(about.root, platform=unknown, annotations={REFERENCE_DIGEST: image.root.digest})
        for about, image in zip(abouts, images, strict=True)
    ]
    root = index_manifest([*listed, entry_of(inner)])
    blobs = {digest: content for part in (*images, *abouts) for digest, content in part.blobs.items()}
    parts = [part.root for part in (*images, *abouts)]
    DataSet(root, [*parts, inner], blobs).put(source_registry.repository("library/app"), tag="v1")
    await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["arm64"])))
    expected = {root.digest, inner.digest, images[1].root.digest, abouts[1].root.digest}
    assert set(target_registry.repository("mirror/app").manifests) == expected


async def test_an_image_with_a_platform_is_no_attestation_whatever_it_speaks_of(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    images = [from_image(small_image(architecture=name)) for name in ("amd64", "arm64")]
    elsewhere = {REFERENCE_DIGEST: f"sha256:{'0' * 64}"}
    wanted = entry_of(images[0].root, platform={"os": "linux", "architecture": "amd64"}, annotations=elsewhere)
    root = index_manifest([wanted, entry_of(images[1].root, platform={"os": "linux", "architecture": "arm64"})])
    DataSet(root, [image.root for image in images], images[0].blobs | images[1].blobs).put(
        source_registry.repository("library/app"), tag="v1"
    )
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["amd64"])))
    assert outcome.action is Action.COPIED, outcome.reason
    assert set(target_registry.repository("mirror/app").manifests) == {root.digest, images[0].root.digest}


async def test_an_image_whose_platform_is_not_known_is_an_error_and_no_success(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    huge = entry(CONFIG_TYPE, b"{}") | {"size": 11 << 20}
    DataSet(image_manifest(huge, [])).put(source_registry.repository("library/app"), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["s390x"])))
    assert isinstance(outcome.error, Unsupported)
    assert "says on which platform its image runs, and has 11534336 bytes" in outcome.reason
    assert target_registry.repository("mirror/app").tags == {}
