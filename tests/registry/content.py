"""What the registry holds: repositories with tags, manifests and blobs, in memory."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from mirrors.oci.images.manifest import Manifest
from mirrors.sample.images import Image


@dataclass
class Upload:
    """One upload under way: what has arrived, how many PATCH bodies came, and whether the last was too short."""

    content: bytearray = field(default_factory=bytearray)
    patches: int = 0
    short_chunk: bool = False


@dataclass(frozen=True)
class Move:
    """A tag that was written, and whether everything below its manifest was there at that moment."""

    tag: str
    digest: str
    complete: bool


@dataclass
class StoredTags:
    """One repository. moves: every writing of a tag, in order. cancelled: uploads ended by DELETE."""

    tags: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    opened: int = 0
    unseen: dict[str, int] = field(default_factory=dict)

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

    def lacks(self, manifest: Manifest, *, sparse: bool, foreign: bool = False) -> bool:
        """Whether something directly below the manifest is missing; foreign: their layers count too."""
        if any(blob.digest not in self.blobs for blob in manifest.blobs() if foreign or not blob.is_foreign):
            return True
        return not sparse and any(child.digest not in self.manifests for child in manifest.children())

    def is_complete(self, digest: str) -> bool:
        """Whether the manifest and everything below it is here, all the way down."""
        manifest = self.manifests.get(digest)
        if manifest is None or self.lacks(manifest, sparse=False):
            return False
        return all(self.is_complete(child.digest) for child in manifest.children())

    def keep(self, manifest: Manifest, *, tags: list[str]) -> None:
        """Hold a manifest that was pushed, and point the tags at it."""
        self.manifests[manifest.digest] = manifest
        for tag in tags:
            self.tags[tag] = manifest.digest
            self.moves.append(Move(tag, manifest.digest, self.is_complete(manifest.digest)))

    def is_hidden(self, reference: str) -> bool:
        """Whether what was just pushed is not seen under this name yet; counts the look."""
        left = self.unseen.get(reference, 0)
        self.unseen[reference] = left - 1
        return left > 0

    def referrers(self, digest: str) -> list[dict[str, Any]]:
        """The descriptors of the manifests with this subject, as the API lists them."""
        found = []
        for manifest in self.manifests.values():
            document = json.loads(manifest.content)
            if (document.get("subject") or {}).get("digest") == digest:
                found.append(_referrer(manifest, document))
        return found

    def open_upload(self) -> str:
        """A new upload's name."""
        session = uuid.uuid4().hex
        self.uploads[session] = Upload()
        self.opened += 1
        return session

    def finish_upload(self, session: str, digest: str) -> bool:
        """Keep the upload as a blob if its digest is right; it is gone either way."""
        content = bytes(self.uploads.pop(session).content)
        algorithm, _, expected = digest.partition(":")
        if hashlib.new(algorithm, content).hexdigest() != expected:
            return False
        self.blobs[digest] = content
        return True

    def size(self) -> int:
        """Bytes of all blobs."""
        return sum(map(len, self.blobs.values()))


def _referrer(manifest: Manifest, document: dict[str, Any]) -> dict[str, Any]:
    artifact_type = document.get("artifactType") or (document.get("config") or {}).get("mediaType")
    entry: dict[str, Any] = {
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": len(manifest.content),
    }
    if artifact_type:
        entry["artifactType"] = artifact_type
    if document.get("annotations"):
        entry["annotations"] = document["annotations"]
    return entry
