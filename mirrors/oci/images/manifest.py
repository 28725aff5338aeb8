"""Manifests, indexes, descriptors and platforms, as bytes first: what is pushed is what was fetched.

Source: OCI image-spec v1.1 (manifest.md, image-index.md, descriptor.md) and the Docker image manifest v2 schema 2.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mirrors.oci.errors import DigestMismatch, MalformedAnswer, Unsupported
from mirrors.oci.images.names import is_digest

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
ARTIFACT_MANIFEST = "application/vnd.oci.artifact.manifest.v1+json"
"""Of a release candidate of image-spec 1.1; ORAS 0.15 to 0.16 wrote it, and some registries still hold it."""
SCHEMA_1 = (
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)
SCHEMA_1_SENTENCE = "This image is stored as Docker schema 1, which is not copied. Push it again with a current client."
_LARGEST_SIZE = 1 << 44  # 16 TiB: sums of what a manifest claims stay within what databases count
INDEX_TYPES = frozenset({DOCKER_LIST, OCI_INDEX})
IMAGE_TYPES = frozenset({DOCKER_MANIFEST, OCI_MANIFEST})
IMAGE_CONFIG_TYPES = frozenset(
    {"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"}
)
MANIFEST_TYPES = (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST, ARTIFACT_MANIFEST)
"""What we accept, in the order we prefer; sent as the Accept header of every manifest request."""


_IMAGE_MEMBERS = frozenset({"config", "layers", "fsLayers"})
_INDEX_MEMBERS = frozenset({"manifests", "fsLayers"})
_MEMBERS_AS_WRITTEN = (
    _IMAGE_MEMBERS | _INDEX_MEMBERS | {"schemaVersion", "mediaType", "artifactType", "subject", "blobs"}
)
_MEMBERS = frozenset(name.casefold() for name in _MEMBERS_AS_WRITTEN)
_SINGLE_MEMBERS = frozenset({"config", "subject"})

FOREIGN_LAYER_TYPES = (
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
)
# Docker runs what has the config that Docker 1.10 pushed, too.
_RUNNABLE_CONFIGS = (
    "application/vnd.oci.image.config.",
    "application/vnd.docker.container.image.",
    "application/octet-stream",
)
_FILES = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.")
REFERENCE_DIGEST = "vnd.docker.reference.digest"
"""BuildKit's annotation on an attestation in an index: the digest of the image it speaks of."""


def digest_algorithm(digest: str) -> str:
    """`sha256` of `sha256:<hex>`; raises Unsupported for an algorithm this engine cannot verify."""
    if not is_digest(digest):
        raise Unsupported(f"The digest {digest[:80]!r} is of a kind that cannot be verified. Use sha256.")
    return digest.partition(":")[0]


def sha256_digest(content: bytes) -> str:
    """`sha256:<hex>` of the content."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Platform:
    """What an image runs on; `variant` is empty for most."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A pointer to content: media type, digest (`sha256:<hex>`), size in bytes.

    artifact_type: of the manifest that it points at, empty for most. Content embedded as `data` is not read: whoever
    needs it fetches what the digest says.
    """

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    annotations: dict[str, str] = field(default_factory=dict, compare=False, hash=False)
    urls: tuple[str, ...] = ()
    artifact_type: str = ""

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Descriptor:
        """Read one descriptor of a manifest.

        Raises KeyError or TypeError where a required member is missing, ValueError for a bad digest or size.
        """
        size, platform = document["size"], document.get("platform")
        if not is_digest(document["digest"]) or type(size) is not int or not 0 <= size <= _LARGEST_SIZE:
            raise ValueError("a digest or size that cannot be")
        return cls(
            media_type=str(document["mediaType"]),
            digest=document["digest"],
            size=size,
            platform=Platform(*(str(platform.get(part) or "") for part in ("os", "architecture", "variant")))
            if platform
            else None,
            annotations={key: str(value) for key, value in (document.get("annotations") or {}).items()},
            urls=tuple(map(str, document.get("urls") or ())),
            artifact_type=str(document.get("artifactType") or ""),
        )

    @property
    def is_manifest(self) -> bool:
        """Whether it points at an image or an index, by its media type; else it is a blob."""
        return self.media_type in MANIFEST_TYPES or self.media_type in SCHEMA_1

    @property
    def is_foreign(self) -> bool:
        """True for layers that stay where they are by their licence (Windows base layers)."""
        return self.media_type.startswith(FOREIGN_LAYER_TYPES)


@dataclass(frozen=True)
class Manifest:
    """An image manifest or an index: its exact bytes, their media type and digest."""

    content: bytes
    media_type: str
    algorithm: str = "sha256"

    @classmethod
    def received(cls, content: bytes, *, content_type: str, digest: str = "") -> Manifest:
        """What a registry answered: the type is the body's own word, then the header's, then what the members say.

        digest: what was asked for or promised, if anything; raises DigestMismatch where the bytes are something else.
        """
        manifest = cls(
            content, content_type.partition(";")[0].strip().lower(), digest_algorithm(digest or "sha256:" + "0" * 64)
        )
        if digest and manifest.digest != digest:
            raise DigestMismatch(f"The manifest asked for as {digest} arrived as {manifest.digest}.")
        return cls(content, _media_type(manifest), manifest.algorithm)

    @cached_property
    def digest(self) -> str:
        """`sha256:<hex>` of the exact bytes (or another algorithm, where the manifest was asked for by it)."""
        return f"{self.algorithm}:{hashlib.new(self.algorithm, self.content).hexdigest()}"

    @property
    def is_index(self) -> bool:
        """True for an OCI index or a Docker manifest list."""
        return self.media_type in INDEX_TYPES

    @property
    def is_runnable(self) -> bool:
        """Whether some client would run it: an index, or an image with layers of files; no signature and no SBOM."""
        if self.is_index:
            return True
        config = self.config
        if config is None or not config.media_type.lower().startswith(_RUNNABLE_CONFIGS):
            return False
        return any(layer.media_type.lower().startswith(_FILES) for layer in self._descriptors("layers"))

    @property
    def descriptor(self) -> Descriptor:
        """What points at this manifest."""
        return Descriptor(self.media_type, self.digest, len(self.content))

    @cached_property
    def document(self) -> dict[str, Any]:
        """The parsed JSON. Raises MalformedAnswer for anything but an object, Unsupported for schema 1."""
        if self.media_type in SCHEMA_1:
            raise Unsupported(SCHEMA_1_SENTENCE)
        members: list[tuple[str, Any]] = []

        def note(found: list[tuple[str, Any]]) -> dict[str, Any]:
            nonlocal members
            members = found  # those of the outermost object come last
            return dict(found)

        try:
            document = json.loads(self.content, object_pairs_hook=note)
        except (ValueError, RecursionError) as error:
            raise MalformedAnswer("The registry sent a manifest that is not JSON.") from error
        if not isinstance(document, dict):
            raise MalformedAnswer("The registry sent a manifest that is not a JSON object.")
        _check_members(members)
        return document

    def entries(self) -> Iterator[Descriptor]:
        """All that an index lists, as it stands; nothing for an image manifest."""
        yield from self._descriptors("manifests" if self.is_index else None)

    def children(self) -> Iterator[Descriptor]:
        """The manifests an index lists; nothing for an image manifest."""
        return (entry for entry in self.entries() if entry.is_manifest)

    def blobs(self) -> Iterator[Descriptor]:
        """Config and layers of an image, or blobs of an artifact manifest, as they stand.

        Of an index whatever it lists that is no manifest: a build cache lists its layers like that.
        """
        if self.is_index:
            yield from (entry for entry in self.entries() if not entry.is_manifest)
            return
        if self.media_type == ARTIFACT_MANIFEST:
            yield from self._descriptors("blobs")
            return
        yield from self._descriptors("config")
        yield from self._descriptors("layers")

    @property
    def config(self) -> Descriptor | None:
        """The config of an image; None for an index and an artifact manifest."""
        return None if self.media_type not in IMAGE_TYPES else next(self._descriptors("config"), None)

    @property
    def subject(self) -> Descriptor | None:
        """The manifest that this one speaks of (a signature's image), or None."""
        return next(self._descriptors("subject"), None)

    @property
    def artifact_type(self) -> str:
        """What a list of referrers calls it: its artifactType, else the media type of its config."""
        config = self.document.get("config")
        declared = self.document.get("artifactType") or (isinstance(config, dict) and config.get("mediaType"))
        return str(declared or "")

    @property
    def annotations(self) -> dict[str, str]:
        """The annotations of the manifest itself."""
        annotations = self.document.get("annotations")
        return {str(key): str(value) for key, value in annotations.items()} if isinstance(annotations, dict) else {}

    def _descriptors(self, member: str | None) -> Iterator[Descriptor]:
        entries = self.document.get(member) if member else None
        if member in _SINGLE_MEMBERS:
            entries = [entries] if entries is not None else []
        try:
            yield from (Descriptor.from_json(entry) for entry in entries or ())
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MalformedAnswer(f"The registry sent a manifest whose {member} cannot be read.") from error


def _check_members(members: list[tuple[str, Any]]) -> None:
    """Raise MalformedAnswer where readers that ignore case, as all in Go do, would read another manifest than we."""
    known = [name for name, _ in members if name.casefold() in _MEMBERS]
    if len(set(known)) != len(known) or not _MEMBERS_AS_WRITTEN.issuperset(known):
        raise MalformedAnswer(
            "The registry sent a manifest that has a member twice or in other letters, so that others would read "
            "another one. Leave its tag out."
        )


def _media_type(manifest: Manifest) -> str:
    document = manifest.document
    if document.get("schemaVersion") == 1:
        raise Unsupported(SCHEMA_1_SENTENCE)
    media_type = document.get("mediaType") or manifest.media_type
    if media_type not in MANIFEST_TYPES and "mediaType" not in document:
        media_type = OCI_INDEX if "manifests" in document else OCI_MANIFEST
    if media_type not in MANIFEST_TYPES:
        # Nobody here knows what else it needs: a copy of it would be one in name only.
        raise Unsupported("This is neither an image nor an index of images, and is not copied. Leave its tag out.")
    if document.keys() & (_IMAGE_MEMBERS if media_type in INDEX_TYPES else _INDEX_MEMBERS):
        # CVE-2021-41190: two readers could take one digest for two different images.
        raise MalformedAnswer(
            "The registry sent a manifest that is both an image and an index, which is not safe to copy."
        )
    return str(media_type)
