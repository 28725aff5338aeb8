"""What refers to images: artifacts with a subject, cosign's tags, and the index under a fallback tag."""

from __future__ import annotations

import json

from mirrors.oci.fallback import referrer_entry
from mirrors.oci.images.companions import fallback_tag
from mirrors.oci.images.manifest import OCI_INDEX, OCI_MANIFEST, Manifest, sha256_digest
from mirrors.sample.images import Image
from tests.registry import StoredTags

SIGNATURE = "application/vnd.example.signature"
SBOM = "application/vnd.example.sbom"
EMPTY = "application/vnd.oci.empty.v1+json"


def referrer(
    subject: Manifest | Image, *, seed: int = 0, artifact_type: str = SIGNATURE, algorithm: str = "sha256"
) -> Image:
    """An artifact with one layer that names the manifest as its subject."""
    subject = subject.manifest if isinstance(subject, Image) else subject
    layer = f"{artifact_type} {seed} of {subject.digest}".encode()
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": _entry(EMPTY, b"{}"),
        "layers": [_entry("application/octet-stream", layer)],
        "subject": _entry(subject.media_type, subject.content) | {"digest": subject.digest},
        "annotations": {"org.example.seed": str(seed)},
    }
    manifest = Manifest(json.dumps(document).encode(), OCI_MANIFEST, algorithm)
    return Image(manifest, {sha256_digest(b"{}"): b"{}", sha256_digest(layer): layer})


def index_of(*images: Image, subject: Manifest | None = None) -> Image:
    """An index over these, without platforms; with a subject it is a referrer itself."""
    entries = [_entry(image.manifest.media_type, image.manifest.content) for image in images]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "artifactType": SBOM, "manifests": entries}
    if subject is not None:
        document["subject"] = _entry(subject.media_type, subject.content)
    return Image(Manifest(json.dumps(document).encode(), OCI_INDEX), children=images)


def put_fallback(held: StoredTags, subject: Manifest | Image, *referrers: Image) -> Manifest:
    """Hold the referrers, and list them as a registry without the API does."""
    subject = subject.manifest if isinstance(subject, Image) else subject
    for each in referrers:
        held.put(each)
    entries = [referrer_entry(each.manifest) for each in referrers]
    # Indented, so that our own index of the same entries would have another digest.
    document = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}, indent=1)
    index = Manifest(document.encode(), OCI_INDEX)
    held.put(Image(index), tag=fallback_tag(subject.digest))
    return index


def put_cosign(held: StoredTags, digest: str, *, suffix: str = ".sig") -> Image:
    """Hold a signature under cosign's tag for the digest."""
    payload = json.dumps({"critical": {"image": {"docker-manifest-digest": digest}}, "suffix": suffix}).encode()
    config = b'{"architecture": "", "os": "", "rootfs": {"type": "layers", "diff_ids": []}}'
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _entry("application/vnd.oci.image.config.v1+json", config),
        "layers": [_entry("application/vnd.dev.cosign.simplesigning.v1+json", payload)],
    }
    blobs = {sha256_digest(content): content for content in (config, payload)}
    image = Image(Manifest(json.dumps(document).encode(), OCI_MANIFEST), blobs)
    held.put(image, tag=fallback_tag(digest) + suffix)
    return image


def _entry(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": sha256_digest(content), "size": len(content)}
