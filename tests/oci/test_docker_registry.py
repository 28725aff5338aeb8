from __future__ import annotations

import asyncio
import subprocess
import tracemalloc
import uuid
from dataclasses import replace

import pytest

from mirrors.oci import Action, CopyOptions, RemoteRepository, Side, copy_tags
from mirrors.oci.profile import GENERIC, UploadStyle
from mirrors.sample.images import (
    Family,
    build_index,
    image_of_size,
    sample_repository,
    small_image,
    small_index,
    store_image,
)

MIB = 1 << 20
KINDS = {
    "schema2": small_image(1, family=Family.DOCKER),
    "list": small_index(2, family=Family.DOCKER),
    "oci": small_image(3),
    "index": small_index(4),
    "nested": build_index({"amd64": small_index(4)}),
}


def raw(reference: str) -> bytes:
    """The manifest's bytes as skopeo reads them."""
    command = ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{reference}"]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


@pytest.fixture
async def pair(make_docker_registry, docker_registry, open_repository):
    """A filled repository in one docker-registry, and a new one in another."""
    name = f"oci/{uuid.uuid4().hex[:12]}"
    elsewhere = make_docker_registry()
    seed = await open_repository(docker_registry.address, name, side=Side.TARGET)
    for tag, image in KINDS.items():
        await store_image(image, seed, tag=tag)
    source = await open_repository(docker_registry.address, name)
    target = await open_repository(elsewhere.address, f"mirror/{name}", side=Side.TARGET)
    return source, target


async def test_skopeo_reads_the_same_bytes_on_both_sides(pair: tuple[RemoteRepository, RemoteRepository]) -> None:
    source, target = pair
    outcomes = await copy_tags(source, target, await source.list_tags())
    assert {outcome.tag for outcome in outcomes if outcome.action is Action.COPIED} == set(KINDS)
    for tag, image in KINDS.items():
        copied = raw(f"{target.location}/{target.name}:{tag}")
        assert copied == raw(f"{source.location}/{source.name}:{tag}") == image.manifest.content
    again = await copy_tags(source, target, await source.list_tags())
    assert {outcome.action for outcome in again} == {Action.UNCHANGED}


async def test_skopeo_can_copy_the_whole_image_from_the_target(
    pair: tuple[RemoteRepository, RemoteRepository], tmp_path
) -> None:
    source, target = pair
    await copy_tags(source, target, ["index"])
    reference = f"docker://{target.location}/{target.name}:index"
    command = ["skopeo", "--insecure-policy", "copy", "--all", "--src-tls-verify=false", reference, f"dir:{tmp_path}"]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, timeout=60)
    for digest, content in KINDS["index"].all_blobs().items():
        assert (tmp_path / digest.removeprefix("sha256:")).read_bytes() == content


async def test_a_tag_is_taken_away_without_its_siblings(pair: tuple[RemoteRepository, RemoteRepository]) -> None:
    """distribution 2 deletes by digest only, and every tag of the digest with it."""
    source, target = pair
    await copy_tags(source, target, ["index", "nested"])
    await target.push_manifest(KINDS["index"].manifest, tag="also")
    await target.delete_tag("index")
    assert await target.list_tags() == ["also", "nested"]
    assert raw(f"{target.location}/{target.name}:also") == KINDS["index"].manifest.content


async def test_layers_are_mounted_from_a_sibling(
    pair: tuple[RemoteRepository, RemoteRepository], open_repository
) -> None:
    source, target = pair
    await copy_tags(source, target, ["index"])
    second = await open_repository(target.location, f"{target.name}-second", side=Side.TARGET)
    (outcome,) = await copy_tags(source, second, ["index"], options=CopyOptions(mount_from=[target.name]))
    assert (outcome.action, outcome.blobs_mounted, outcome.blobs_copied) == (Action.COPIED, 8, 0)


@pytest.mark.parametrize("style", list(UploadStyle))
async def test_a_blob_gets_in_by_every_way_there_is(docker_registry, open_repository, style: UploadStyle) -> None:
    profile = replace(GENERIC, uploads=style, chunk_size=MIB)
    name = f"oci/{uuid.uuid4().hex[:12]}"
    target = await open_repository(docker_registry.address, name, side=Side.TARGET, profile=profile)
    image = image_of_size(5 * MIB, layers=2)
    await store_image(image, target, tag="v1")
    assert (await target.fetch_manifest("v1")).digest == image.manifest.digest
    assert all([await target.has_blob(digest) for digest in image.all_blobs()])


async def test_a_large_image_passes_in_constant_memory(pair: tuple[RemoteRepository, RemoteRepository]) -> None:
    source, target = pair
    image = image_of_size(96 * MIB, layers=2)
    seed = RemoteRepository(target._client, source.name)
    await store_image(image, seed, tag="big")
    seeded = RemoteRepository(target._client, source.name)
    copy = RemoteRepository(target._client, f"{target.name}-big")
    copy._uploads._mount = _never  # type: ignore[method-assign]
    del image
    tracemalloc.start()
    try:
        (outcome,) = await copy_tags(seeded, copy, ["big"])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.action is Action.COPIED
    assert outcome.bytes_copied > 96 * MIB
    assert peak < 16 * MIB


async def test_the_sample_repository_arrives(make_docker_registry, docker_registry, open_repository) -> None:
    seed = await open_repository(docker_registry.address, "oci/sample", side=Side.TARGET)
    images = sample_repository()
    for tag, image in images.items():
        await store_image(image, seed, tag=tag)
    target = await open_repository(docker_registry.address, "oci/sample-copy", side=Side.TARGET)
    source = await open_repository(docker_registry.address, "oci/sample")
    outcomes = await copy_tags(source, target, sorted(images))
    assert {outcome.tag: outcome.target_digest for outcome in outcomes} == {
        tag: image.manifest.digest for tag, image in images.items()
    }


async def _never(*args: object, **kwargs: object) -> bool:
    return False
