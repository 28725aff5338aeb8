"""What arrives at the target is what the source has, byte for byte, and its tag the last of it."""

from __future__ import annotations

from mirrors.oci import Action, RemoteRepository, TagOutcome, copy_tags
from mirrors.oci.images.manifest import OCI_MANIFEST, Manifest
from mirrors.sample.images import Image, small_image, small_index
from tests.registry import FaultyRegistry


def actions(outcomes: list[TagOutcome]) -> dict[str, str]:
    return {outcome.tag: outcome.action.value for outcome in outcomes}


async def test_every_kind_of_image_arrives_byte_for_byte(
    target_registry: FaultyRegistry, source: RemoteRepository, target: RemoteRepository, images: dict[str, Image]
) -> None:
    outcomes = await copy_tags(source, target, await source.list_tags())
    held = target_registry.repository("mirror/app")
    assert actions(outcomes) == dict.fromkeys(images, "copied")
    assert held.tags == {tag: image.manifest.digest for tag, image in images.items()}
    for image in images.values():
        assert {manifest.digest for manifest in image.manifests()} <= set(held.manifests)
        assert image.all_blobs().items() <= held.blobs.items()


async def test_the_tag_is_the_last_thing_that_is_written(
    target_registry: FaultyRegistry, source, target, images: dict[str, Image]
) -> None:
    await copy_tags(source, target, ["nested"])
    writes = [request.path.rpartition("/")[2] for request in target_registry.seen("PUT")]
    manifests = [last for last in writes if last.startswith("sha256:") or last == "nested"]
    assert writes[-1] == "nested"
    assert manifests.index(small_index(2).manifest.digest) > max(
        manifests.index(child.digest) for child in small_index(2).manifest.children()
    )


async def test_a_tag_that_moves_while_it_is_copied_ends_consistent(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    held = source_registry.repository("library/app")
    held.put(small_image(1), tag="v1")
    resolve = source.resolve

    async def resolve_then_move(reference: str):
        descriptor = await resolve(reference)
        held.manifests.clear()
        held.put(small_image(2), tag="v1")
        return descriptor

    source.resolve = resolve_then_move
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED
    assert outcome.source_digest == small_image(2).manifest.digest
    assert target_registry.repository("mirror/app").tags == {"v1": small_image(2).manifest.digest}


async def test_foreign_layers_stay_where_they_are(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    config, content = next(iter(small_image().blobs.items()))
    document = (
        b'{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},'
        b'"layers":[{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"sha256:%s",'
        b'"size":5,"urls":["https://mcr.microsoft.com/x"]}]}'
    ) % (config.encode(), len(content), b"0" * 64)
    image = Image(Manifest(document, OCI_MANIFEST), {config: content})
    source_registry.repository("library/app").put(image, tag="windows")
    (outcome,) = await copy_tags(source, target, ["windows"])
    assert outcome.action is Action.COPIED
    assert list(target_registry.repository("mirror/app").blobs) == [config]
    assert source_registry.count("GET", "/blobs/sha256:0000") == 0


async def test_a_sha512_image_keeps_its_digest(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    child = Manifest(small_image().manifest.content, OCI_MANIFEST, "sha512")
    document = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' % (
        b'{"mediaType":"%s","digest":"%s","size":%d}'
        % (OCI_MANIFEST.encode(), child.digest.encode(), len(child.content))
    )
    index = Manifest(document, "application/vnd.oci.image.index.v1+json")
    held = source_registry.repository("library/app")
    held.put(Image(index, small_image().blobs), tag="v1")
    held.manifests[child.digest] = child
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED
    assert child.digest in target_registry.repository("mirror/app").manifests
