"""Indexes made anew of the wanted images, for targets that take no index of which parts are missing."""

from __future__ import annotations

import json

import pytest

from mirrors.oci import Action, CopyOptions, IndexMode, KnownTag, Manifest, RemoteRepository, copy_tags, parse_platforms
from mirrors.oci.copying.progress import TagOutcome
from mirrors.oci.images.manifest import OCI_INDEX, REFERENCE_DIGEST
from mirrors.sample.images import Family, Image, build_index, small_image, small_index
from tests.oci.quirks.data_sets import DataSet, artifact, entry_of, from_image, index_manifest
from tests.registry import FaultyRegistry, StoredTags

ARM64 = CopyOptions(platforms=parse_platforms(["linux/arm64"]), index_mode=IndexMode.REWRITTEN)


@pytest.fixture
def app(source_registry: FaultyRegistry) -> StoredTags:
    """What the source has."""
    return source_registry.repository("library/app")


@pytest.fixture
def held(target_registry: FaultyRegistry) -> StoredTags:
    """What the target has. It takes no sparse index."""
    target_registry.switches.sparse_indexes = False
    return target_registry.repository("mirror/app")


def entries(manifest: Manifest) -> list[str]:
    """The digests that an index lists."""
    return [child.digest for child in manifest.children()]


def known(outcome: TagOutcome) -> dict[str, KnownTag]:
    """What the next copy remembers of this tag."""
    return {outcome.tag: KnownTag(str(outcome.source_digest), str(outcome.target_digest))}


@pytest.mark.parametrize("family", Family)
async def test_the_target_gets_an_index_of_the_wanted_images_and_the_outcome_says_so(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository, family: Family
) -> None:
    index = small_index(family=family)
    app.put(index, tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=ARM64)
    assert (outcome.action, outcome.rewritten) == (Action.COPIED, True)
    assert outcome.reason == "Rewritten for linux/arm64: 1 of 4 images; its digest differs from the source's."
    assert outcome.source_digest == index.manifest.digest
    assert outcome.target_digest == held.tags["v1"] != index.manifest.digest
    root = held.manifests[held.tags["v1"]]
    assert root.media_type == family.index
    assert entries(root) == [index.children[1].manifest.digest]
    assert index.manifest.digest not in held.manifests
    assert held.is_complete(root.digest)


async def test_attestations_annotations_and_artifacts_stay_and_the_order_too(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository
) -> None:
    images = [from_image(small_image(3, architecture=name)) for name in ("amd64", "arm64")]
    notes = artifact("release notes")
    attested = [
        entry_of(
            artifact(f"sbom {number}").root,
            platform={"os": "unknown", "architecture": "unknown"},
            annotations={REFERENCE_DIGEST: image.root.digest},
        )
        for number, image in enumerate(images)
    ]
    platforms = [{"os": "linux", "architecture": name} for name in ("amd64", "arm64")]
    listed = [
        *attested,
        entry_of(images[0].root, platform=platforms[0]),
        entry_of(notes.root),
        entry_of(images[1].root, platform=platforms[1], annotations={"org.example": "kept"}),
    ]
    root = index_manifest(listed, annotations={"org.example.version": "1"}, artifactType="application/x.release")
    for part in (*images, notes, artifact("sbom 0"), artifact("sbom 1")):
        part.put(app, tag="part")
    DataSet(root).put(app, tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=ARM64)
    assert outcome.action is Action.COPIED
    document = json.loads(held.manifests[held.tags["v1"]].content)
    assert document["manifests"] == [listed[1], listed[3], listed[4]]
    assert document["annotations"] == {"org.example.version": "1"}
    assert document["artifactType"] == "application/x.release"
    assert held.is_complete(held.tags["v1"])
    assert images[0].root.digest not in held.manifests


async def test_nested_indexes_are_rewritten_from_inside_out(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository
) -> None:
    whole = small_index(3, architectures=["arm64"])
    nested = build_index({"a": small_index(1), "b": small_index(2, architectures=["amd64"]), "c": whole})
    app.put(nested, tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=ARM64)
    assert outcome.reason.startswith("Rewritten for linux/arm64: 2 of 6 images")
    root = held.manifests[held.tags["v1"]]
    first, second = root.children()
    assert second.digest == whole.manifest.digest
    assert first.digest != nested.children[0].manifest.digest
    assert entries(held.manifests[first.digest]) == [nested.children[0].children[1].manifest.digest]
    assert first.size == len(held.manifests[first.digest].content)
    assert held.is_complete(root.digest)
    assert all(move.complete for move in held.moves)


async def test_an_index_that_loses_nothing_keeps_its_digest(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository
) -> None:
    index = small_index(architectures=["arm64"])
    app.put(index, tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=ARM64)
    assert (outcome.action, outcome.rewritten, outcome.reason) == (Action.COPIED, False, "")
    assert held.tags == {"v1": index.manifest.digest}


async def test_an_unchanged_index_costs_a_get_where_nothing_is_known_of_it(
    app: StoredTags,
    held: StoredTags,
    source: RemoteRepository,
    target: RemoteRepository,
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
) -> None:
    app.put(small_index(), tag="v1")
    (first,) = await copy_tags(source, target, ["v1"], options=ARM64)
    for registry in (source_registry, target_registry):
        registry.requests.clear()
    (again,) = await copy_tags(source, target, ["v1"], options=ARM64)
    assert (again.action, again.rewritten, again.target_digest) == (Action.UNCHANGED, True, first.target_digest)
    assert [request.method for request in source_registry.requests] == ["HEAD", "GET"]
    assert [request.method for request in target_registry.requests] == ["HEAD"]


async def test_an_unchanged_index_costs_one_head_where_its_digests_are_known(
    app: StoredTags,
    held: StoredTags,
    source: RemoteRepository,
    target: RemoteRepository,
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
) -> None:
    app.put(small_index(), tag="v1")
    (first,) = await copy_tags(source, target, ["v1"], options=ARM64)
    for registry in (source_registry, target_registry):
        registry.requests.clear()
    options = CopyOptions(platforms=ARM64.platforms, index_mode=ARM64.index_mode, known=known(first))
    (again,) = await copy_tags(source, target, ["v1"], options=options)
    assert (again.action, again.rewritten) == (Action.UNCHANGED, True)
    assert (again.source_digest, again.target_digest) == (first.source_digest, first.target_digest)
    assert [request.method for request in source_registry.requests] == ["HEAD"]
    assert [request.path for request in target_registry.requests] == ["/v2/mirror/app/tags/list"]


async def test_what_was_rewritten_is_replaced_once_everything_is_wanted_again(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository
) -> None:
    index = small_index()
    app.put(index, tag="v1")
    (first,) = await copy_tags(source, target, ["v1"], options=ARM64)
    (second,) = await copy_tags(source, target, ["v1"], options=CopyOptions(known=known(first)))
    assert (second.action, second.rewritten) == (Action.COPIED, False)
    assert held.tags == {"v1": index.manifest.digest}
    assert held.is_complete(index.manifest.digest)


async def test_other_platforms_are_looked_for_below_known_digests_when_asked_to(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository
) -> None:
    app.put(small_index(), tag="v1")
    (first,) = await copy_tags(source, target, ["v1"], options=ARM64)
    both = CopyOptions(
        platforms=parse_platforms(["amd64", "arm64"]), index_mode=IndexMode.REWRITTEN, known=known(first), deep=["v1"]
    )
    (second,) = await copy_tags(source, target, ["v1"], options=both)
    assert second.action is Action.COPIED
    assert len(entries(held.manifests[held.tags["v1"]])) == 2
    (third,) = await copy_tags(source, target, ["v1"], options=both)
    assert (third.action, third.reason) == (Action.UNCHANGED, "")


async def test_an_image_listed_for_two_platforms_stays_for_the_wanted_one(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository
) -> None:
    image = from_image(small_image(1, architecture="arm"))
    listed = [entry_of(image.root, platform={"os": "linux", "architecture": "arm", "variant": v}) for v in ("v6", "v7")]
    DataSet(index_manifest(listed), [image.root], image.blobs).put(app, tag="v1")
    options = CopyOptions(platforms=parse_platforms(["linux/arm/v7"]), index_mode=IndexMode.REWRITTEN)
    await copy_tags(source, target, ["v1"], options=options)
    assert json.loads(held.manifests[held.tags["v1"]].content)["manifests"] == [listed[1]]


async def test_the_new_index_of_a_sha512_one_has_a_sha512_digest(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository
) -> None:
    inner = small_index(1)
    algorithm = Manifest(inner.manifest.content, OCI_INDEX, "sha512")
    root = index_manifest([entry_of(algorithm)])
    DataSet(root, [algorithm, *Image(inner.manifest, children=inner.children).manifests()], inner.all_blobs()).put(
        app, tag="v1"
    )
    (outcome,) = await copy_tags(source, target, ["v1"], options=ARM64)
    assert outcome.action is Action.COPIED, outcome.reason
    (child,) = held.manifests[held.tags["v1"]].children()
    assert child.digest.startswith("sha512:")
    assert held.is_complete(held.tags["v1"])
