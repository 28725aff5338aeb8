"""A blob's verified bytes in pieces of any size, from wherever the target wants them next."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Self

from mirrors.oci.content import BlobReader
from mirrors.oci.errors import Side
from mirrors.oci.images.manifest import Descriptor
from mirrors.oci.images.verify import Verifier, verified


class Feed:
    """One blob on its way; `async with` closes what it reads from. Holds two chunks at most.

    The last chunk comes out only after size and digest were found right. Bytes that are read a second time, because
    the target has lost them, are not hashed again: the target itself compares the digest of what it stores.
    """

    def __init__(self, read: BlobReader, *, descriptor: Descriptor) -> None:
        self.descriptor = descriptor
        self.position = 0
        self._read = read
        self._verifier = Verifier(descriptor, side=Side.SOURCE)
        self._chunks: AsyncGenerator[bytes] | None = None
        self._rest = b""
        self._interrupted = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._close()

    async def start(self) -> None:
        """Read the first chunk, so that a source with nothing to give fails before the target is asked anything."""
        if self._chunks is None:
            self._open()
            self._rest = await self._next()

    async def seek(self, offset: int) -> None:
        """Go on from this byte; the source is opened anew unless it is there already."""
        if self._chunks is None or offset != self.position or self._interrupted:
            await self._close()
            self.position = offset
            self._open()

    async def take(self, size: int) -> bytes:
        """The next bytes, at most this many; none at the end."""
        chunk = self._rest or await self._next()
        chunk, self._rest = (chunk, b"") if len(chunk) <= size else (chunk[:size], chunk[size:])
        self.position += len(chunk)
        return chunk

    def holds_whole(self) -> bool:
        """Whether the whole blob is in memory, as after the start of a small one."""
        return self.position == 0 and len(self._rest) == self.descriptor.size

    async def _next(self) -> bytes:
        if self._chunks is None:
            return b""
        self._interrupted = True  # stays so where a request that breaks off cancels the reading of its body
        chunk = await anext(self._chunks, b"")
        self._interrupted = False
        return chunk

    def _open(self) -> None:
        self._source = self._read(self.position)
        self._chunks = verified(self._source, descriptor=self.descriptor, verifier=self._verifier, offset=self.position)

    async def _close(self) -> None:
        if self._chunks is not None:
            await self._chunks.aclose()
            await self._source.aclose()
        self._chunks, self._rest, self._interrupted = None, b"", False


class Piece:
    """The next bytes of a feed, so many of them: an upload's body."""

    def __init__(self, feed: Feed, size: int) -> None:
        self._feed = feed
        self._left = size

    def __aiter__(self) -> Piece:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._feed.take(self._left) if self._left else b""
        if not chunk:
            raise StopAsyncIteration
        self._left -= len(chunk)
        return chunk
