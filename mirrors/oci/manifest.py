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

from mirrors.oci.errors import RegistryFault, Unsupported

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
SCHEMA_1 = (
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)
INDEX_TYPES = frozenset({DOCKER_LIST, OCI_INDEX})
MANIFEST_TYPES = (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST)
"""What we accept, in the order we prefer; sent as the Accept header of every manifest request."""


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
    """A pointer to content: media type, digest (`sha256:<hex>`), size in bytes."""

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    annotations: dict[str, str] = field(default_factory=dict, compare=False, hash=False)
    urls: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Descriptor:
        """Read one descriptor of a manifest; raises KeyError or TypeError where a required member is missing."""
        platform = document.get("platform")
        return cls(
            media_type=str(document["mediaType"]),
            digest=str(document["digest"]),
            size=int(document["size"]),
            platform=Platform(platform.get("os", ""), platform.get("architecture", ""), platform.get("variant", ""))
            if platform
            else None,
            annotations=document.get("annotations") or {},
            urls=tuple(document.get("urls") or ()),
        )


@dataclass(frozen=True)
class Manifest:
    """An image manifest or an index: its exact bytes, their media type and digest."""

    content: bytes
    media_type: str

    @cached_property
    def digest(self) -> str:
        """`sha256:<hex>` of the exact bytes."""
        return sha256_digest(self.content)

    @property
    def is_index(self) -> bool:
        """True for an OCI index or a Docker manifest list."""
        return self.media_type in INDEX_TYPES

    @property
    def descriptor(self) -> Descriptor:
        """What points at this manifest."""
        return Descriptor(self.media_type, self.digest, len(self.content))

    @cached_property
    def document(self) -> dict[str, Any]:
        """The parsed JSON. Raises RegistryFault for anything but an object, Unsupported for schema 1."""
        if self.media_type in SCHEMA_1:
            raise Unsupported("This image is stored as Docker schema 1, which is not copied. Push it again with a current client.")
        try:
            document = json.loads(self.content)
        except ValueError as error:
            raise RegistryFault("The registry sent a manifest that is not JSON.") from error
        if not isinstance(document, dict):
            raise RegistryFault("The registry sent a manifest that is not a JSON object.")
        return document

    def children(self) -> Iterator[Descriptor]:
        """The manifests an index lists; nothing for an image manifest."""
        yield from self._descriptors("manifests" if self.is_index else None)

    def blobs(self) -> Iterator[Descriptor]:
        """Config and layers of an image manifest, in the order they stand; nothing for an index."""
        if self.is_index:
            return
        yield from self._descriptors("config")
        yield from self._descriptors("layers")

    def _descriptors(self, member: str | None) -> Iterator[Descriptor]:
        entries = self.document.get(member) if member else None
        if isinstance(entries, dict):
            entries = [entries]
        try:
            yield from (Descriptor.from_json(entry) for entry in entries or ())
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RegistryFault(f"The registry sent a manifest whose {member} cannot be read.") from error
