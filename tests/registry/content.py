"""What the registry holds: repositories with tags, manifests and blobs, in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from mirrors.oci.manifest import Manifest
from mirrors.sample.images import Image


@dataclass
class StoredTags:
    """One repository."""

    tags: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytearray] = field(default_factory=dict)

    def put(self, image: Image, *, tag: str | None = None) -> None:
        """Hold an image with everything below it."""
        self.blobs.update(image.all_blobs())
        for manifest in image.manifests():
            self.manifests[manifest.digest] = manifest
        if tag is not None:
            self.tags[tag] = image.manifest.digest

    def manifest(self, reference: str) -> Manifest | None:
        """By tag or digest."""
        return self.manifests.get(self.tags.get(reference, reference))

    def lacks(self, manifest: Manifest, *, sparse: bool) -> bool:
        """Whether something below the manifest is missing."""
        if any(blob.digest not in self.blobs for blob in manifest.blobs() if not blob.is_foreign):
            return True
        return not sparse and any(child.digest not in self.manifests for child in manifest.children())

    def finish_upload(self, session: str, digest: str) -> bool:
        """Keep the upload as a blob if its digest is right; it is gone either way."""
        content = bytes(self.uploads.pop(session))
        algorithm, _, expected = digest.partition(":")
        if hashlib.new(algorithm, content).hexdigest() != expected:
            return False
        self.blobs[digest] = content
        return True
