"""Bytes on their way from one side to the other, checked against what their descriptor promises."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator

from mirrors.oci.errors import DigestMismatch, Side
from mirrors.oci.manifest import Descriptor, digest_algorithm


async def verified(
    chunks: AsyncIterator[bytes], *, descriptor: Descriptor, side: Side | None = None
) -> AsyncGenerator[bytes]:
    """The same chunks, the last of them only once size and digest are right; else DigestMismatch, and it stays back.

    Whoever stores what comes out of here never has the whole of a wrong blob. side: where the chunks come from.
    """
    digest = hashlib.new(digest_algorithm(descriptor.digest))
    size, held = 0, b""
    async for chunk in chunks:
        if not chunk:
            continue  # it must not push out the one that is held
        digest.update(chunk)
        size += len(chunk)
        if size > descriptor.size:
            raise _mismatch(descriptor, f"more than its {descriptor.size} bytes", side=side)
        if held:
            yield held
        held = chunk
    if size != descriptor.size:
        raise _mismatch(descriptor, f"{size} instead of {descriptor.size} bytes", side=side)
    if digest.hexdigest() != descriptor.digest.partition(":")[2]:
        raise _mismatch(descriptor, "other bytes than its digest says", side=side)
    if held:
        yield held


def _mismatch(descriptor: Descriptor, has: str, *, side: Side | None) -> DigestMismatch:
    return DigestMismatch(
        f"Blob {descriptor.digest} arrived with {has} and was not stored. If it stays so, repair it at its registry.",
        side=side,
    )
