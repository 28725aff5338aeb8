"""Rule 13, and the data sets of the conformance suite: each arrives byte for byte, or is refused in words."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, Side
from mirrors.sample.images import small_image, small_index
from tests.oci.quirks.conftest import Mirror
from tests.oci.quirks.data_sets import DATA_SETS, DataSet, artifact, entry_of, from_image, index_manifest
from tests.registry import FaultyRegistry, StoredTags


@pytest.mark.parametrize("name", DATA_SETS)
@pytest.mark.parametrize("strict", [False, True], ids=["", "strict"])
async def test_a_data_set_arrives_byte_for_byte(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, name: str, strict: bool
) -> None:
    data = DATA_SETS[name]
    data.put(app, tag="v1")
    target_registry.switches.sparse_indexes = not strict
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    held = target_registry.repository("mirror/app")
    assert held.tags["v1"] == data.root.digest
    for manifest in [*data.manifests, data.root]:
        assert held.manifests[manifest.digest].content == manifest.content
        assert held.manifests[manifest.digest].media_type == manifest.media_type
    assert held.blobs.items() >= data.blobs.items()
    assert all(move.complete for move in held.moves)


@pytest.mark.parametrize("name", DATA_SETS)
async def test_a_second_copy_of_a_data_set_costs_one_head_at_each_side(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, name: str
) -> None:
    DATA_SETS[name].put(app, tag="v1")
    await mirror()
    for registry in (source_registry, target_registry):
        registry.requests.clear()
    assert (await mirror()).action is Action.UNCHANGED
    for registry in (source_registry, target_registry):
        tags = [request for request in registry.seen(path="/manifests/") if "/sha256" not in request.path]
        assert [request.method for request in tags] == ["HEAD"]
        assert registry.count("GET", "/manifests/|/blobs/") == 0
        assert registry.count("PUT") == registry.count("POST") == registry.count("PATCH") == 0


async def test_an_index_with_a_subject_and_a_tagged_referrer_arrive(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    image = from_image(small_image(3))
    sbom = artifact("for the image", subject=image.root)
    index = from_image(small_index(4))
    root = index_manifest([entry_of(index.root)], subject=entry_of(image.root), artifactType="application/x.index")
    for data in (image, sbom, DataSet(root, index.manifests, index.blobs)):
        data.put(app, tag={image.root.digest: "image", sbom.root.digest: "sbom"}.get(data.root.digest, "index"))
    for tag in ("image", "sbom", "index"):
        assert (await mirror(tag)).action is not Action.FAILED
    held = target_registry.repository("mirror/app")
    assert held.tags == app.tags
    assert {digest: each.content for digest, each in held.manifests.items()} == {
        digest: each.content for digest, each in app.manifests.items()
    }


async def test_a_sparse_index_at_the_source_is_refused_in_words(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    index = small_index(5)
    app.put(index, tag="v1")
    missing = index.children[1].manifest
    del app.manifests[missing.digest]
    outcome = await mirror()
    assert (outcome.action, outcome.error and outcome.error.side) == (Action.FAILED, Side.SOURCE)
    assert missing.digest in outcome.reason
    assert target_registry.repository("mirror/app").tags == {}


async def test_a_manifest_beyond_what_is_safe_to_read_is_refused(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.fail("GET", "/manifests/", status=200, body=b" " * (11 << 20), times=9)
    outcome = await mirror()
    assert outcome.action is Action.FAILED
    assert "10 MiB" in outcome.reason
    assert target_registry.count("PUT") == 0


async def test_a_target_that_takes_no_such_large_manifest_is_named(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    DATA_SETS["large manifest"].put(app, tag="v1")
    target_registry.switches.manifest_limit = 1 << 20
    outcome = await mirror()
    assert (outcome.action, outcome.error and outcome.error.side) == (Action.FAILED, Side.TARGET)
    assert "413" in outcome.reason
    assert "large" in outcome.reason
    assert target_registry.count("PUT", "/manifests/") == 1


@pytest.mark.parametrize("how", ["longer", "shorter", "corrupt", "truncated", "html"])
async def test_a_blob_of_another_size_or_content_than_promised_is_never_stored(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, how: str
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.switches.blobs = how
    outcome = await mirror()
    assert (outcome.action, outcome.error and outcome.error.side) == (Action.FAILED, Side.SOURCE)
    held = target_registry.repository("mirror/app")
    assert (held.tags, held.blobs, held.uploads) == ({}, {}, {})


@pytest.mark.parametrize("size", [-1, 10**30, "12", None])
async def test_a_size_that_cannot_be_is_the_sources_fault(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, size: object
) -> None:
    child = small_image().manifest
    DataSet(index_manifest([entry_of(child) | {"size": size}]), [child]).put(app, tag="v1")
    outcome = await mirror()
    assert (outcome.action, outcome.error and outcome.error.side) == (Action.FAILED, Side.SOURCE)
    assert target_registry.count("PUT") == 0


async def test_a_child_of_another_size_than_the_index_says_is_refused(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    image = from_image(small_image())
    root = index_manifest([entry_of(image.root) | {"size": len(image.root.content) + 1}])
    DataSet(root, [image.root], image.blobs).put(app, tag="v1")
    outcome = await mirror()
    assert outcome.action is Action.FAILED
    assert target_registry.repository("mirror/app").tags == {}
