"""Small real images, built on the spot, the same bytes every time, without a container engine.

Layers are gzipped tar files with the diff_ids that their configs promise; both families of manifests and indexes.
They hold files to look at and nothing to run.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from mirrors.oci.content import ContentRepository, in_memory
from mirrors.oci.images.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    sha256_digest,
)

ARCHITECTURES = ("amd64", "arm64", "s390x", "ppc64le")
SAMPLE_REPOSITORY = "hello"
"""The name under which the sample registry serves `sample_repository()`."""

_CREATED = "2026-01-01T00:00:00Z"
_MTIME = 1767225600  # the same moment, for the files in a layer
_CHUNK = 1024 * 1024


class Family(Enum):
    """The two families of media types: manifest, index, config, layer."""

    OCI = (
        OCI_MANIFEST,
        OCI_INDEX,
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.oci.image.layer.v1.tar+gzip",
    )
    DOCKER = (
        DOCKER_MANIFEST,
        DOCKER_LIST,
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    )

    def __init__(self, manifest: str, index: str, config: str, layer: str) -> None:
        self.manifest, self.index, self.config, self.layer = manifest, index, config, layer


@dataclass(frozen=True)
class Layer:
    """A gzipped tar file and the digest of the tar file inside."""

    content: bytes
    diff_id: str


@dataclass(frozen=True)
class Image:
    """A manifest or index with everything below it: its own blobs by digest, and the images an index lists."""

    manifest: Manifest
    blobs: dict[str, bytes] = field(default_factory=dict)
    children: tuple[Image, ...] = ()

    def manifests(self) -> Iterator[Manifest]:
        """Every manifest, children before the index that lists them."""
        for child in self.children:
            yield from child.manifests()
        yield self.manifest

    def all_blobs(self) -> dict[str, bytes]:
        """Every blob by digest, shared ones once."""
        found = dict(self.blobs)
        for child in self.children:
            found.update(child.all_blobs())
        return found


def build_layer(files: dict[str, bytes]) -> Layer:
    """A layer of these files (path without a leading slash: content), in the order of their paths."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mtime, entry.mode = len(content), _MTIME, 0o644
            archive.addfile(entry, io.BytesIO(content))
    tar = buffer.getvalue()
    return Layer(gzip.compress(tar, compresslevel=1, mtime=0), sha256_digest(tar))


def build_image(
    layers: Sequence[Layer], *, architecture: str = "amd64", family: Family = Family.OCI, name: str = ""
) -> Image:
    """An image manifest over these layers; `name` goes into its labels and so into its digest."""
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": _CREATED,
            "config": {"Env": ["PATH=/usr/bin:/bin"], "Labels": {"org.opencontainers.image.title": name or "sample"}},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
            "history": [{"created": _CREATED, "created_by": f"sample layer {n}"} for n, _ in enumerate(layers, 1)],
        }
    )
    document = {
        "schemaVersion": 2,
        "mediaType": family.manifest,
        "config": _descriptor(family.config, config),
        "layers": [_descriptor(family.layer, layer.content) for layer in layers],
    }
    blobs = {sha256_digest(content): content for content in (config, *(layer.content for layer in layers))}
    return Image(Manifest(_json(document), family.manifest), blobs)


def build_index(images: dict[str, Image], *, family: Family = Family.OCI) -> Image:
    """An OCI index or Docker manifest list over images by architecture."""
    entries = [
        _descriptor(image.manifest.media_type, image.manifest.content)
        | {"platform": {"architecture": architecture, "os": "linux"}}
        for architecture, image in images.items()
    ]
    document = {"schemaVersion": 2, "mediaType": family.index, "manifests": entries}
    return Image(Manifest(_json(document), family.index), children=tuple(images.values()))


def small_image(seed: int = 0, *, architecture: str = "amd64", family: Family = Family.OCI) -> Image:
    """An image of about a kilobyte with one layer; another seed gives other bytes throughout."""
    layer = build_layer({"etc/sample": f"sample {seed} for {architecture}\n".encode()})
    return build_image([layer], architecture=architecture, family=family, name=f"small-{seed}")


def small_index(seed: int = 0, *, family: Family = Family.OCI, architectures: Iterable[str] = ARCHITECTURES) -> Image:
    """An index (or Docker manifest list) of small images, one per architecture."""
    images = {each: small_image(seed, architecture=each, family=family) for each in architectures}
    return build_index(images, family=family)


def image_of_size(size: int, *, layers: int = 1, seed: int = 0) -> Image:
    """An image whose layers hold `size` incompressible bytes together; it is built in memory."""
    each = size // layers
    contents = [build_layer({f"data/{n}": _noise(f"{seed}/{n}/{size}", each)}) for n in range(layers)]
    return build_image(contents, name=f"sized-{seed}")


def sample_repository() -> dict[str, Image]:
    """The demonstration's tags: three versions for four architectures, `latest`, and a Docker schema 2 `legacy`.

    About 4 MB; versions share the base of their architecture, and everything shares one layer.
    """
    common = build_layer({"usr/share/doc/hello": _noise("doc", 300_000)})
    bases = {each: build_layer({"usr/lib/base": _noise(f"base/{each}", 500_000)}) for each in ARCHITECTURES}
    tags = {version: _version(version, common, bases) for version in ("1.0", "1.1", "2.0")}
    tags["latest"] = tags["2.0"]
    legacy = [common, bases["amd64"], build_layer({"etc/hello-version": b"0.9\n"})]
    tags["legacy"] = build_image(legacy, family=Family.DOCKER, name="hello 0.9")
    return tags


def _version(version: str, common: Layer, bases: dict[str, Layer]) -> Image:
    images = {}
    for architecture, base in bases.items():
        files = {
            "etc/hello-version": f"{version}\n".encode(),
            "usr/bin/hello-data": _noise(version + architecture, 100_000),
        }
        own = build_layer(files)
        images[architecture] = build_image([base, common, own], architecture=architecture, name=f"hello {version}")
    return build_index(images)


async def store_image(image: Image, repository: ContentRepository, *, tag: str | None = None) -> None:
    """Push an image with everything below it to any repository: blobs, children, then itself under the tag."""
    for digest, content in image.all_blobs().items():
        if not await repository.has_blob(digest):
            await repository.push_blob(Descriptor("application/octet-stream", digest, len(content)), in_memory(content))
    for manifest in image.manifests():
        await repository.push_manifest(manifest, tag=tag if manifest is image.manifest else None)


def _noise(seed: str, size: int) -> bytes:
    """Bytes that do not compress, the same ones for the same seed."""
    return hashlib.shake_256(seed.encode()).digest(size)


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha256_digest(content), "size": len(content)}


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
