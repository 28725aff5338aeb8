"""Bytes on their way from one side to the other, checked against what their descriptor promises."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator

from mirrors.oci.errors import DigestMismatch, Side
from mirrors.oci.images.manifest import Descriptor, digest_algorithm


class Verifier:
    """Computes a blob's digest as it passes, each byte once, however often reading starts again before that byte.

    side: where the bytes come from.
    """

    def __init__(self, descriptor: Descriptor, *, side: Side | None = None) -> None:
        self._descriptor = descriptor
        self._side = side
        self._digest = hashlib.new(digest_algorithm(descriptor.digest))
        self._seen = 0

    def check(self, chunk: bytes, *, position: int) -> None:
        """Take note of a chunk that starts at this position; raises DigestMismatch as soon as there are too many."""
        end = position + len(chunk)
        if end > self._descriptor.size:
            raise self._mismatch(f"more than its {self._descriptor.size} bytes")
        if end > self._seen:
            self._digest.update(chunk if position == self._seen else chunk[self._seen - position :])
            self._seen = end

    def finish(self, *, position: int) -> None:
        """The chunks have ended here; raises DigestMismatch unless size and digest are right."""
        if position != self._descriptor.size:
            raise self._mismatch(f"{position} instead of {self._descriptor.size} bytes")
        if self._digest.hexdigest() != self._descriptor.digest.partition(":")[2]:
            raise self._mismatch("other bytes than its digest says")

    def _mismatch(self, has: str) -> DigestMismatch:
        return DigestMismatch(
            f"Blob {self._descriptor.digest} arrived with {has} and was not stored. If it stays so, repair it at its "
            "registry.",
            side=self._side,
        )


async def verified(
    chunks: AsyncIterator[bytes],
    *,
    descriptor: Descriptor,
    side: Side | None = None,
    verifier: Verifier | None = None,
    offset: int = 0,
) -> AsyncGenerator[bytes]:
    """The same chunks, the last of them only once size and digest are right; else DigestMismatch, and it stays back.

    Whoever stores what comes out of here never has the whole of a wrong blob. side: where the chunks come from.
    verifier, offset: of a blob that is read on from the middle; the verifier has seen all before the offset.
    """
    verifier = verifier or Verifier(descriptor, side=side)
    position, held = offset, b""
    async for chunk in chunks:
        if not chunk:
            continue  # it must not push out the one that is held
        verifier.check(chunk, position=position)
        position += len(chunk)
        if held:
            yield held
        held = chunk
    verifier.finish(position=position)
    if held:
        yield held
