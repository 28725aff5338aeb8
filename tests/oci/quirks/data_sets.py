"""Content of every shape that the image specification allows, as the conformance suite of the registries has it."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mirrors.oci.images.manifest import OCI_INDEX, OCI_MANIFEST, Manifest, sha256_digest
from mirrors.sample.images import Image, small_image, small_index
from tests.registry import StoredTags

EMPTY = b"{}"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
FOREIGN_TYPE = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"


@dataclass
class DataSet:
    """One tag's root, and whatever it needs and whatever refers to it."""

    root: Manifest
    manifests: list[Manifest] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def put(self, held: StoredTags, *, tag: str) -> None:
        """Store all of it."""
        held.blobs.update(self.blobs)
        held.manifests.update({manifest.digest: manifest for manifest in [*self.manifests, self.root]})
        held.tags[tag] = self.root.digest


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    """`algorithm:<hex>`."""
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def entry(media_type: str, content: bytes, algorithm: str = "sha256", **more: object) -> dict[str, Any]:
    """A descriptor of the content."""
    return {"mediaType": media_type, "digest": digest_of(content, algorithm), "size": len(content), **more}


def entry_of(manifest: Manifest, **more: object) -> dict[str, Any]:
    """A descriptor of the manifest."""
    return {"mediaType": manifest.media_type, "digest": manifest.digest, "size": len(manifest.content), **more}


def image_manifest(config: dict[str, Any], layers: Iterable[dict[str, Any]], **more: object) -> Manifest:
    """An OCI image manifest."""
    members = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": list(layers), **more}
    return Manifest(json.dumps(members).encode(), OCI_MANIFEST)


def index_manifest(entries: Iterable[dict[str, Any]], **more: object) -> Manifest:
    """An OCI index."""
    members = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries), **more}
    return Manifest(json.dumps(members).encode(), OCI_INDEX)


def blobs_of(*contents: bytes, algorithm: str = "sha256") -> dict[str, bytes]:
    """The contents by digest."""
    return {digest_of(content, algorithm): content for content in contents}


def artifact(seed: str, *, subject: Manifest | None = None, kind: str = "application/vnd.example.sbom") -> DataSet:
    """An artifact of the empty config and one blob, which may refer to an image."""
    content = f"artifact {seed}".encode()
    more: dict[str, object] = {"artifactType": kind, "annotations": {"org.example.seed": seed}}
    if subject is not None:
        more["subject"] = entry_of(subject)
    manifest = image_manifest(entry(EMPTY_TYPE, EMPTY), [entry("text/plain", content)], **more)
    return DataSet(manifest, blobs=blobs_of(EMPTY, content))


def from_image(image: Image) -> DataSet:
    """An image of the samples."""
    return DataSet(image.manifest, list(image.manifests()), image.all_blobs())


def _large_manifest() -> DataSet:
    image = small_image()
    document = json.loads(image.manifest.content)
    document["annotations"] = {f"org.example.number{number:03}": "x" * 10_000 for number in range(390)}
    return DataSet(Manifest(json.dumps(document).encode(), OCI_MANIFEST), blobs=image.all_blobs())


def _empty_blob() -> DataSet:
    return DataSet(
        image_manifest(entry(EMPTY_TYPE, EMPTY), [entry(LAYER_TYPE, b"")], artifactType="application/x"),
        blobs=blobs_of(EMPTY, b""),
    )


def _no_layers() -> DataSet:
    config = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
    return DataSet(image_manifest(entry(CONFIG_TYPE, config), []), blobs=blobs_of(config))


def _nested_index() -> DataSet:
    inner = from_image(small_index(7))
    middle = index_manifest([entry_of(inner.root)])
    return DataSet(index_manifest([entry_of(middle)]), [*inner.manifests, middle], inner.blobs)


def _data_field() -> DataSet:
    content = b"held in its own descriptor"
    config = entry(EMPTY_TYPE, EMPTY, data=b64encode(EMPTY).decode())
    layer = entry("text/plain", content, data=b64encode(content).decode())
    return DataSet(image_manifest(config, [layer], artifactType="text/plain"), blobs=blobs_of(EMPTY, content))


def _custom_fields() -> DataSet:
    image = from_image(small_image(11))
    document = {"org.example.custom": {"deep": [1, None, "ü"]}, **json.loads(image.root.content)}
    document["layers"][0]["org.example.custom"] = True
    content = json.dumps(document, indent=3, ensure_ascii=False).encode() + b"\n"
    return DataSet(Manifest(content, OCI_MANIFEST), blobs=image.blobs)


def _artifact_index() -> DataSet:
    parts = [artifact("one"), artifact("two")]
    root = index_manifest([entry_of(part.root) for part in parts], artifactType="application/vnd.example.set")
    return DataSet(root, [part.root for part in parts], parts[0].blobs | parts[1].blobs)


def _artifact_without_layers() -> DataSet:
    root = image_manifest(entry(EMPTY_TYPE, EMPTY), [], artifactType="application/vnd.example.flag")
    return DataSet(root, blobs=blobs_of(EMPTY))


def _sha512_parts() -> DataSet:
    config = b'{"architecture":"amd64","os":"linux"}'
    layers = [entry(LAYER_TYPE, b"sha512 layer", "sha512"), entry(LAYER_TYPE, b"sha256 layer")]
    root = image_manifest(entry(CONFIG_TYPE, config, "sha512"), layers)
    blobs = blobs_of(config, b"sha512 layer", algorithm="sha512") | blobs_of(b"sha256 layer")
    return DataSet(root, blobs=blobs)


def _sha512_child() -> DataSet:
    image = small_image(12)
    child = Manifest(image.manifest.content, OCI_MANIFEST, "sha512")
    return DataSet(index_manifest([entry_of(child)]), [child], image.all_blobs())


def _with_subject_missing() -> DataSet:
    absent = Manifest(b'{"schemaVersion":2,"absent":true}', OCI_MANIFEST)
    return artifact("of nothing", subject=absent)


DATA_SETS = {
    "image": from_image(small_image(1)),
    "index": from_image(small_index(2)),
    "large manifest": _large_manifest(),
    "empty blob": _empty_blob(),
    "no layers": _no_layers(),
    "empty index": DataSet(index_manifest([])),
    "nested index": _nested_index(),
    "data field": _data_field(),
    "custom fields": _custom_fields(),
    "artifact": artifact("alone"),
    "artifact without layers": _artifact_without_layers(),
    "artifact index": _artifact_index(),
    "subject missing": _with_subject_missing(),
    "sha512 blobs": _sha512_parts(),
    "sha512 child": _sha512_child(),
}
"""Each copied byte for byte by a registry that takes it."""

assert sha256_digest(EMPTY) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
