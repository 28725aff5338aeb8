"""Whatever a manifest may point at, as far as it can be copied, and in words where it cannot."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mirrors.oci import (
    Action,
    CopyOptions,
    Manifest,
    NotFound,
    RemoteRepository,
    Side,
    Store,
    StoredRepository,
    Unsupported,
    collect_garbage,
    copy_tags,
    parse_platforms,
)
from mirrors.oci.images.manifest import ARTIFACT_MANIFEST, OCI_INDEX, OCI_MANIFEST, SCHEMA_1
from mirrors.sample.images import small_image
from tests.oci.quirks.data_sets import (
    DATA_SETS,
    DataSet,
    blobs_of,
    digest_of,
    entry,
    entry_of,
    from_image,
    index_manifest,
)
from tests.registry import FaultyRegistry, StoredTags

LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0"


@pytest.fixture
def app(source_registry: FaultyRegistry) -> StoredTags:
    """What the source has."""
    return source_registry.repository("library/app")


@pytest.fixture
def held(target_registry: FaultyRegistry) -> StoredTags:
    """What the target has."""
    return target_registry.repository("mirror/app")


async def test_an_artifact_manifest_brings_its_blobs(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository
) -> None:
    image = from_image(small_image())
    members = {
        "mediaType": ARTIFACT_MANIFEST,
        "artifactType": "application/vnd.example",
        "blobs": [entry("text/plain", b"one"), entry("text/plain", b"two")],
        "subject": entry_of(image.root),
    }
    root = Manifest(json.dumps(members).encode(), ARTIFACT_MANIFEST)
    DataSet(root, blobs=blobs_of(b"one", b"two")).put(app, tag="v1")
    options = CopyOptions(platforms=parse_platforms(["arm64"]))
    (outcome,) = await copy_tags(source, target, ["v1"], options=options)
    assert outcome.action is Action.COPIED, outcome.reason
    assert held.manifests[held.tags["v1"]].media_type == ARTIFACT_MANIFEST
    assert held.blobs.items() >= blobs_of(b"one", b"two").items()


@pytest.mark.parametrize("platforms", [[], ["arm64"]])
async def test_the_layers_that_a_build_cache_lists_are_copied_as_blobs(
    app: StoredTags,
    held: StoredTags,
    target_registry: FaultyRegistry,
    source: RemoteRepository,
    target: RemoteRepository,
    platforms: list[str],
) -> None:
    root = index_manifest([entry(LAYER, b"layer"), entry(CACHE_CONFIG, b"{}")])
    DataSet(root, blobs=blobs_of(b"layer", b"{}")).put(app, tag="cache")
    (outcome,) = await copy_tags(source, target, ["cache"], options=CopyOptions(platforms=parse_platforms(platforms)))
    assert outcome.action is Action.COPIED, outcome.reason
    assert held.blobs == blobs_of(b"layer", b"{}")
    assert held.tags == {"cache": root.digest}


async def test_a_child_that_is_neither_manifest_nor_blob_is_named_with_its_type(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository
) -> None:
    child = entry("application/vnd.example.unheard-of", b"?")
    DataSet(index_manifest([child])).put(app, tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert isinstance(outcome.error, Unsupported)
    assert outcome.error.side is Side.SOURCE
    assert child["digest"] in outcome.reason
    assert "application/vnd.example.unheard-of" in outcome.reason
    assert held.tags == {}


@pytest.mark.parametrize("media_type", SCHEMA_1)
async def test_an_index_that_lists_a_schema_1_image_is_refused(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository, media_type: str
) -> None:
    DataSet(index_manifest([entry(media_type, b"{}")])).put(app, tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert isinstance(outcome.error, Unsupported)
    assert "schema 1" in outcome.reason
    assert held.tags == {}


@pytest.mark.parametrize("how", ["refused", "rehashed"])
async def test_a_target_without_sha512_is_named(
    app: StoredTags,
    held: StoredTags,
    target_registry: FaultyRegistry,
    source: RemoteRepository,
    target: RemoteRepository,
    how: str,
) -> None:
    target_registry.switches.sha512 = how
    DATA_SETS["sha512 child"].put(app, tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert isinstance(outcome.error, Unsupported), outcome.reason
    assert outcome.error.side is Side.TARGET
    assert "does not take content with a sha512 digest" in outcome.reason
    assert held.tags == {}


async def test_content_that_is_embedded_in_a_descriptor_is_not_believed(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository
) -> None:
    image = small_image()
    document = json.loads(image.manifest.content)
    document["config"]["data"] = "bGllcw=="
    root = Manifest(json.dumps(document).encode(), OCI_MANIFEST)
    DataSet(root, blobs=image.blobs).put(app, tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED
    assert held.blobs == image.blobs


async def test_entries_that_are_no_list_are_the_sources_fault(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository
) -> None:
    child = entry_of(small_image().manifest)
    root = Manifest(json.dumps({"mediaType": OCI_INDEX, "manifests": child}).encode(), OCI_INDEX)
    app.manifests[root.digest], app.tags["v1"] = root, root.digest
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert (outcome.action, outcome.error and outcome.error.side) == (Action.FAILED, Side.SOURCE)
    assert "manifests cannot be read" in outcome.reason


async def test_the_layers_of_a_build_cache_outlive_garbage_collection_in_the_store(
    app: StoredTags, source: RemoteRepository, tmp_path: Path
) -> None:
    root = index_manifest([entry(LAYER, b"layer"), entry(CACHE_CONFIG, b"{}")])
    DataSet(root, blobs=blobs_of(b"layer", b"{}")).put(app, tag="cache")
    store = Store(tmp_path)
    kept = StoredRepository(store, "mirror/app", side=Side.TARGET)
    (outcome,) = await copy_tags(source, kept, ["cache"])
    assert outcome.action is Action.COPIED, outcome.reason
    collect_garbage(store, untouched_since=datetime.now(UTC) + timedelta(days=1))
    assert await kept.has_blob(digest_of(b"layer"))
    with pytest.raises(NotFound, match="Push it first"):
        await StoredRepository(store, "mirror/other").push_manifest(root)


@pytest.mark.parametrize("lie", ["blob", "child"])
async def test_a_tag_that_lies_of_a_size_does_not_cost_another_that_has_the_same_content(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository, lie: str
) -> None:
    image = from_image(small_image())
    honest = DataSet(index_manifest([entry_of(image.root)]), [image.root], image.blobs)
    lying = DataSet(index_manifest([entry_of(image.root, size=5)]))
    if lie == "blob":
        document = json.loads(image.root.content)
        document["layers"][0]["size"] = 5
        lying = DataSet(Manifest(json.dumps(document).encode(), image.root.media_type))
    lying.put(app, tag="a-liar")
    honest.put(app, tag="honest")
    outcomes = await copy_tags(source, target, ["a-liar", "honest"], options=CopyOptions(concurrency=1))
    assert [outcome.action for outcome in outcomes] == [Action.FAILED, Action.COPIED]
    assert held.is_complete(honest.root.digest)
