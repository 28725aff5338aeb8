"""Between real registries without the referrers API: fallback tags, merged, and cosign's tags."""

from __future__ import annotations

import json
import uuid

import pytest

from mirrors.oci import Action, CopyOptions, RemoteRepository, Side, Store, StoredRepository, copy_tags
from mirrors.oci.fallback import FallbackIndexes
from mirrors.oci.images.companions import fallback_tag
from mirrors.sample.images import small_image, small_index, store_image
from tests.oci.artifacts import SIGNATURE, referrer

Pair = tuple[RemoteRepository, RemoteRepository]
IMAGE = small_index(71, architectures=("amd64", "arm64"))


@pytest.fixture
async def pair(make_docker_registry, docker_registry, open_repository) -> Pair:
    """A repository with one image in one docker-registry, and a new one in another."""
    name = f"oci/{uuid.uuid4().hex[:12]}"
    seed = await open_repository(docker_registry.address, name, side=Side.TARGET)
    await store_image(IMAGE, seed, tag="v1")
    return seed, await open_repository(make_docker_registry().address, f"mirror/{name}", side=Side.TARGET)


async def test_referrers_travel_by_their_fallback_tags(pair: Pair) -> None:
    source, target = pair
    direct = [referrer(IMAGE, seed=1), referrer(IMAGE.children[0], seed=2)]
    further = referrer(direct[0], seed=3)
    for each, subject in zip([*direct, further], [IMAGE, IMAGE.children[0], direct[0]], strict=True):
        await store_image(each, source)
        await FallbackIndexes(source).add(subject.manifest.digest, [each.manifest])
    tags = await source.list_tags()
    options = CopyOptions(source_tags=tags)
    (outcome,) = await copy_tags(source, target, ["v1"], options=options)
    assert (outcome.action, outcome.referrers_copied, outcome.referrers_failed) == (Action.COPIED, 3, ())
    assert await target.list_tags() == tags
    for tag in tags:
        assert (await target.fetch_manifest(tag)).content == (await source.fetch_manifest(tag)).content
    (entry,) = await target.list_referrers(IMAGE.manifest.digest)
    assert (entry.digest, entry.artifact_type) == (direct[0].manifest.digest, SIGNATURE)
    (outcome,) = await copy_tags(source, target, ["v1"], options=options)
    assert outcome.action is Action.UNCHANGED


async def test_a_signature_that_comes_later_is_merged_into_what_the_target_has(pair: Pair) -> None:
    source, target = pair
    await copy_tags(source, target, ["v1"])
    ours, theirs = referrer(IMAGE, seed=1), referrer(IMAGE, seed=2)
    for repository, each in ((source, theirs), (target, ours)):
        await store_image(each, repository)
        await FallbackIndexes(repository).add(IMAGE.manifest.digest, [each.manifest])
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(source_tags=await source.list_tags()))
    assert (outcome.action, outcome.referrers_copied) == (Action.COPIED, 1)
    index = await target.fetch_manifest(fallback_tag(IMAGE.manifest.digest))
    entries = {entry["digest"]: entry for entry in json.loads(index.content)["manifests"]}
    assert set(entries) == {ours.manifest.digest, theirs.manifest.digest}
    assert all(entry["artifactType"] == SIGNATURE and entry["annotations"] for entry in entries.values())


async def test_referrers_reach_the_built_in_store_and_come_back(pair: Pair, tmp_path) -> None:
    source, target = pair
    signature = referrer(IMAGE)
    await store_image(signature, source)
    await FallbackIndexes(source).add(IMAGE.manifest.digest, [signature.manifest])
    await store_image(small_image(72), source, tag=fallback_tag(IMAGE.manifest.digest) + ".sig")
    store = StoredRepository(Store(tmp_path / "store", fsync=False), "team/app")
    await copy_tags(source, store, ["v1"], options=CopyOptions(source_tags=await source.list_tags()))
    assert await store.list_tags() == [fallback_tag(IMAGE.manifest.digest) + ".sig", "v1"]
    assert [each.digest for each in await store.list_referrers(IMAGE.manifest.digest)] == [signature.manifest.digest]
    (outcome,) = await copy_tags(store, target, ["v1"])
    assert outcome.referrers_copied == 2
    assert [each.digest for each in await target.list_referrers(IMAGE.manifest.digest)] == [signature.manifest.digest]
