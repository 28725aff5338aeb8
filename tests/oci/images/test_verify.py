from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirrors.oci import Descriptor, DigestMismatch
from mirrors.oci.images.manifest import sha256_digest
from mirrors.oci.images.verify import verified

CHUNKS = st.lists(st.binary(max_size=20), max_size=6)


async def flow(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def drain(chunks: list[bytes], *, descriptor: Descriptor, into: bytearray) -> None:
    async for chunk in verified(flow(chunks), descriptor=descriptor):
        into += chunk


def promise(chunks: list[bytes]) -> Descriptor:
    content = b"".join(chunks)
    return Descriptor("x", sha256_digest(content), len(content))


@given(CHUNKS)
async def test_right_bytes_pass_as_they_are(chunks: list[bytes]) -> None:
    passed = [chunk async for chunk in verified(flow(chunks), descriptor=promise(chunks))]
    assert passed == [chunk for chunk in chunks if chunk]


@given(promised=CHUNKS, sent=CHUNKS)
async def test_of_wrong_bytes_something_always_stays_back(promised: list[bytes], sent: list[bytes]) -> None:
    """Whoever sends what came out, with the promised length announced, never completes the body."""
    descriptor = promise(promised)
    if promise(sent) == descriptor:
        return
    passed = bytearray()
    with pytest.raises(DigestMismatch):
        await drain(sent, descriptor=descriptor, into=passed)
    assert len(passed) < max(descriptor.size, 1)
