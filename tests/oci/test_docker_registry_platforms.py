"""Platforms and digests with a docker-registry as target, which takes no incomplete index and no sha512 manifest."""

from __future__ import annotations

import asyncio
import subprocess
import uuid

import pytest

from mirrors.oci import (
    Action,
    CopyOptions,
    IndexMode,
    Manifest,
    RemoteRepository,
    Side,
    Unsupported,
    copy_tags,
    parse_platforms,
)
from mirrors.oci.images.manifest import OCI_MANIFEST
from mirrors.sample.images import Family, build_index, small_image, small_index
from tests.oci.quirks.data_sets import DATA_SETS, DataSet, blobs_of, digest_of, entry, index_manifest
from tests.registry import FaultyRegistry

ARM64 = parse_platforms(["linux/arm64"])


@pytest.fixture
async def target(docker_registry, open_repository) -> RemoteRepository:
    """A new repository of a docker-registry."""
    return await open_repository(docker_registry.address, f"oci/{uuid.uuid4().hex[:12]}", side=Side.TARGET)


async def test_it_is_found_out_before_a_blob_moves_that_it_takes_no_sparse_index(
    source_registry: FaultyRegistry, source: RemoteRepository, target: RemoteRepository
) -> None:
    source_registry.repository("library/app").put(small_index(), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=ARM64))
    assert isinstance(outcome.error, Unsupported)
    assert "Have the index rewritten" in outcome.reason
    assert source_registry.count("GET", "/blobs/") == 0


@pytest.mark.parametrize("family", Family)
async def test_skopeo_copies_every_image_of_an_index_that_was_rewritten_for_it(
    source_registry: FaultyRegistry, source: RemoteRepository, target: RemoteRepository, tmp_path, family: Family
) -> None:
    source_registry.repository("library/app").put(small_index(family=family), tag="flat")
    source_registry.repository("library/app").put(build_index({"a": small_index(5)}), tag="nested")
    options = CopyOptions(platforms=ARM64, index_mode=IndexMode.REWRITTEN)
    first = await copy_tags(source, target, ["flat", "nested"], options=options)
    assert [(outcome.action, outcome.rewritten) for outcome in first] == [(Action.COPIED, True)] * 2
    again = await copy_tags(source, target, ["flat", "nested"], options=options)
    assert {outcome.action for outcome in again} == {Action.UNCHANGED}
    reference = f"docker://{target.location}/{target.name}:flat"
    command = ["skopeo", "--insecure-policy", "copy", "--all", "--src-tls-verify=false", reference, f"dir:{tmp_path}"]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, timeout=60)


async def test_a_sha512_child_is_refused_in_a_sentence(
    source_registry: FaultyRegistry, source: RemoteRepository, target: RemoteRepository
) -> None:
    DATA_SETS["sha512 child"].put(source_registry.repository("library/app"), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert isinstance(outcome.error, Unsupported), outcome.reason
    assert "does not take content with a sha512 digest" in outcome.reason


async def test_a_sha512_root_is_there_under_its_other_digest(
    source_registry: FaultyRegistry, source: RemoteRepository, target: RemoteRepository
) -> None:
    image = small_image(3)
    app = source_registry.repository("library/app")
    root = Manifest(image.manifest.content, OCI_MANIFEST, "sha512")
    app.blobs.update(image.blobs)
    app.manifests[root.digest], app.tags["v1"] = root, root.digest
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED, outcome.reason
    assert (await target.fetch_manifest("v1")).content == root.content


async def test_a_build_cache_is_taken_with_the_blobs_that_its_index_lists(
    source_registry: FaultyRegistry, source: RemoteRepository, target: RemoteRepository
) -> None:
    layer = "application/vnd.oci.image.layer.v1.tar+gzip"
    root = index_manifest([entry(layer, b"layer"), entry("application/vnd.buildkit.cacheconfig.v0", b"{}")])
    DataSet(root, blobs=blobs_of(b"layer", b"{}")).put(source_registry.repository("library/app"), tag="cache")
    (outcome,) = await copy_tags(source, target, ["cache"])
    assert outcome.action is Action.COPIED, outcome.reason
    assert (await target.fetch_manifest("cache")).content == root.content
    assert await target.has_blob(digest_of(b"layer"))
