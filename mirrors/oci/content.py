"""The one interface over a repository, remote or on local disk, that the copy walk knows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from mirrors.oci.images.manifest import Descriptor, Manifest

BlobReader = Callable[[int], AsyncGenerator[bytes]]
"""Opens a blob at an offset, anew each time it is called; whoever calls it closes what it gives."""
_CHUNK = 256 * 1024


def in_memory(content: bytes) -> BlobReader:
    """A reader of bytes that are here already."""

    async def read(offset: int) -> AsyncGenerator[bytes]:
        for start in range(offset, len(content), _CHUNK):
            yield content[start : start + _CHUNK]

    return read


class ContentRepository(Protocol):
    """One repository's tags, manifests and blobs. Every method may raise an OCIError with its side set."""

    @property
    def name(self) -> str:
        """`namespace/name`, without the registry."""

    @property
    def location(self) -> str:
        """Which registry it is in: `host:port` or the store's path. Equal locations can mount blobs from each other."""

    @property
    def counts_fetches(self) -> bool:
        """Whether each manifest that is fetched counts against a limit, and asking for its digest does not."""

    async def list_tags(self) -> list[str]:
        """Every tag, all pages; raises NotFound where the repository does not exist."""

    async def resolve(self, reference: str) -> Descriptor | None:
        """What a tag or digest points at (a HEAD), or None where there is no such manifest."""

    async def fetch_manifest(self, reference: str) -> Manifest:
        """The manifest behind a tag or digest, its digest verified; raises NotFound."""

    async def list_referrers(self, digest: str, *, fallback: bool = True) -> list[Descriptor]:
        """What says that this digest is its subject; nothing for a digest that is not here. Only it itself proves it.

        fallback: look under the fallback tag where the registry has no API for referrers.
        """

    async def push_manifest(self, manifest: Manifest, *, tag: str | None = None, repeatable: bool = True) -> bool:
        """Store the exact bytes, under a tag or (without one) under their digest alone.

        repeatable: False where a second try would undo what others have written under the tag meanwhile.
        Returns whether the registry lists it from now on among the referrers of its subject.
        """

    async def takes_sparse_index(self, left_out: Descriptor) -> bool:
        """Whether an index is taken while a manifest like this one, which it lists, is not there."""

    async def has_blob(self, digest: str) -> bool:
        """Whether the blob is in this repository already."""

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> AsyncGenerator[bytes]:
        """The blob's bytes from `offset` on, in chunks of at most 1 MiB; close it. The receiver verifies them.

        Where the connection breaks, reading goes on by itself from the byte it had come to.
        """

    async def push_blob(self, descriptor: Descriptor, read: BlobReader, *, mount_from: str | None = None) -> bool:
        """Store a blob in constant memory; raises DigestMismatch, and then stores nothing.

        mount_from: a repository of the same registry that may have it. True: it was taken over from there, unread.
        read: called again with another offset where the target has lost some of what it was sent.
        """

    async def delete_tag(self, tag: str) -> None:
        """Remove one tag, and no other that shares its digest. Missing is done. Raises Unsupported if switched off."""
