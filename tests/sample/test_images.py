"""The sample images are what their manifests say, down to the diff_ids inside the gzip."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile

import pytest

from mirrors.oci.images.manifest import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, sha256_digest
from mirrors.sample.images import (
    ARCHITECTURES,
    Family,
    Image,
    image_of_size,
    sample_repository,
    small_image,
    small_index,
)

IMAGES = {
    OCI_MANIFEST: small_image(),
    DOCKER_MANIFEST: small_image(family=Family.DOCKER),
    OCI_INDEX: small_index(),
    DOCKER_LIST: small_index(family=Family.DOCKER),
}


def assert_image_is_sound(image: Image) -> None:
    config_pointer, *layers = image.manifest.blobs()
    config = json.loads(image.blobs[config_pointer.digest])
    assert len(image.blobs[config_pointer.digest]) == config_pointer.size
    for layer, diff_id in zip(layers, config["rootfs"]["diff_ids"], strict=True):
        content = image.blobs[layer.digest]
        assert (sha256_digest(content), len(content)) == (layer.digest, layer.size)
        tar = gzip.decompress(content)
        assert sha256_digest(tar) == diff_id
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            assert archive.getnames()


@pytest.mark.parametrize("media_type", IMAGES)
def test_every_digest_size_and_diff_id_is_right(media_type: str) -> None:
    image = IMAGES[media_type]
    assert image.manifest.media_type == media_type
    assert image.manifest.document["mediaType"] == media_type
    for each in image.children or [image]:
        assert_image_is_sound(each)
    listed = [(child.digest, child.platform.architecture) for child in image.manifest.children() if child.platform]
    assert listed == [
        (child.manifest.digest, architecture)
        for child, architecture in zip(image.children, ARCHITECTURES, strict=False)
    ]


def test_the_sample_repository_has_shared_layers_and_a_modest_size() -> None:
    tags = sample_repository()
    assert list(tags) == ["1.0", "1.1", "2.0", "latest", "legacy"]
    assert tags["latest"].manifest == tags["2.0"].manifest
    assert tags["2.0"].manifest.media_type == OCI_INDEX
    assert tags["legacy"].manifest.media_type == DOCKER_MANIFEST
    assert len(tags["1.0"].children) == 4
    once = {digest: content for image in tags.values() for digest, content in image.all_blobs().items()}
    assert 2_000_000 < sum(map(len, once.values())) < 5_000_000
    assert tags["1.0"].all_blobs().keys() & tags["2.0"].all_blobs().keys() & tags["legacy"].all_blobs().keys()
    for image in tags.values():
        for each in image.children or [image]:
            assert_image_is_sound(each)


def test_two_processes_build_the_same_bytes() -> None:
    script = "from mirrors.sample.images import *; print(*[i.manifest.digest for i in sample_repository().values()])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [image.manifest.digest for image in sample_repository().values()]


def test_seeds_give_images_without_a_byte_in_common() -> None:
    assert not small_index(1).all_blobs().keys() & small_index(2).all_blobs().keys()


@pytest.mark.parametrize(("size", "layers"), [(1_000, 1), (300_000, 3)])
def test_a_sized_image_has_that_size(size: int, layers: int) -> None:
    image = image_of_size(size, layers=layers)
    _, *found = image.manifest.blobs()
    assert len(found) == layers
    assert size <= sum(layer.size for layer in found) <= size + 2_000 * layers
    assert_image_is_sound(image)
