"""The one interface over a repository, remote or on local disk, that the copy walk knows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

from mirrors.oci.manifest import Descriptor, Manifest


class ContentRepository(Protocol):
    """One repository's tags, manifests and blobs. Every method may raise an OCIError with its side set."""

    @property
    def name(self) -> str:
        """`namespace/name`, without the registry."""

    @property
    def location(self) -> str:
        """Which registry it is in: `host:port` or the store's path. Equal locations can mount blobs from each other."""

    async def list_tags(self) -> list[str]:
        """Every tag, all pages; raises NotFound where the repository does not exist."""

    async def resolve(self, reference: str) -> Descriptor | None:
        """What a tag or digest points at (a HEAD), or None where there is no such manifest."""

    async def fetch_manifest(self, reference: str) -> Manifest:
        """The manifest behind a tag or digest, its digest verified; raises NotFound."""

    async def push_manifest(self, manifest: Manifest, *, tag: str | None = None) -> None:
        """Store the exact bytes, under a tag or (without one) under their digest alone."""

    async def takes_sparse_index(self, left_out: Descriptor) -> bool:
        """Whether an index is taken while a manifest like this one, which it lists, is not there."""

    async def has_blob(self, digest: str) -> bool:
        """Whether the blob is in this repository already."""

    def open_blob(self, descriptor: Descriptor) -> AsyncGenerator[bytes]:
        """The blob's bytes in chunks of at most 1 MiB; close it. Verifying them is the receiver's business."""

    async def push_blob(self, descriptor: Descriptor, chunks: AsyncIterator[bytes]) -> None:
        """Store a blob from its chunks in constant memory; raises DigestMismatch, and then stores nothing."""

    async def mount_blob(self, descriptor: Descriptor, *, source_repository: str) -> bool:
        """Take the blob over from a repository of the same registry. False: not possible, stream it."""

    async def delete_tag(self, tag: str) -> None:
        """Remove one tag, and no other that shares its digest. Missing is done. Raises Unsupported if switched off."""
