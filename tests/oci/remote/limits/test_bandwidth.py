from __future__ import annotations

import asyncio
import time

import pytest

from mirrors.oci import Descriptor, Side, Timeouts
from mirrors.oci.content import in_memory
from mirrors.oci.images.manifest import sha256_digest
from mirrors.oci.remote.limits import bandwidth as module
from mirrors.oci.remote.limits.bandwidth import Bandwidth, bandwidth_of
from mirrors.sample.images import image_of_size
from tests.registry import FaultyRegistry

MIB = 1 << 20


def test_bytes_pass_at_the_rate_and_no_faster() -> None:
    bandwidth = Bandwidth(1000)
    ends = [bandwidth.reserve(500, now=100.0) for _ in range(5)]
    assert ends == pytest.approx([0.25, 0.75, 1.25, 1.75, 2.25])


def test_what_was_not_used_is_kept_for_a_moment_only() -> None:
    bandwidth = Bandwidth(1000)
    bandwidth.reserve(1000, now=100.0)
    assert bandwidth.reserve(1000, now=5000.0) == pytest.approx(0.75)


async def test_streams_take_turns() -> None:
    turns: list[str] = []
    bandwidth = Bandwidth(1_000_000)

    async def stream(name: str) -> None:
        for _ in range(5):
            await bandwidth.pass_through(5_000)
            turns.append(name)

    bandwidth.reserve(250_000, now=time.monotonic())
    await asyncio.gather(stream("a"), stream("b"))
    assert [turns.count("a"), turns.count("b")] == [5, 5]
    assert all(abs(turns[:end].count("a") - turns[:end].count("b")) <= 1 for end in range(11))


def test_a_registry_has_one_limit_for_each_direction_in_a_process() -> None:
    source = bandwidth_of("limited.example", side=Side.SOURCE, rate=5)
    assert bandwidth_of("limited.example", side=Side.SOURCE, rate=5) is source
    assert bandwidth_of("limited.example", side=Side.TARGET, rate=5) is not source
    assert bandwidth_of("other.example", side=Side.SOURCE, rate=5) is not source
    assert bandwidth_of("limited.example", side=Side.SOURCE, rate=None) is None


async def test_who_gives_up_waiting_leaves_no_gap() -> None:
    bandwidth = Bandwidth(1000)
    waiting = asyncio.create_task(bandwidth.pass_through(1_000_000))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert bandwidth.reserve(1000, now=time.monotonic()) <= 1


async def test_blobs_of_both_directions_pass_through_it(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, open_repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_shared", {})
    passed: dict[Bandwidth, list[int]] = {}

    async def pass_through(self: Bandwidth, size: int) -> None:
        passed.setdefault(self, []).append(size)

    monkeypatch.setattr(Bandwidth, "pass_through", pass_through)
    image = image_of_size(2 * MIB)
    source_registry.repository("library/app").put(image, tag="v1")
    source = await open_repository(source_registry.address, bandwidth=5000)
    target = await open_repository(target_registry.address, "mirror/app", side=Side.TARGET, bandwidth=7000)
    for blob in image.manifest.blobs():
        content = b"".join([chunk async for chunk in source.open_blob(blob)])
        await _push(target, content)
    size = sum(blob.size for blob in image.manifest.blobs())
    assert [sum(sizes) for sizes in passed.values()] == [size, size]
    assert max(max(sizes) for sizes in passed.values()) <= MIB


async def test_a_limited_stream_is_not_taken_for_a_stalled_one(
    source_registry: FaultyRegistry, open_repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bandwidth makes each chunk wait for longer than a peer may be silent."""
    monkeypatch.setattr(module, "_shared", {})
    content = b"x" * (2 * MIB)
    source_registry.repository("library/app").blobs[sha256_digest(content)] = content
    source = await open_repository(
        source_registry.address, bandwidth=8 * MIB, timeouts=Timeouts(connect=1.0, read=0.02)
    )
    descriptor = Descriptor("application/octet-stream", sha256_digest(content), len(content))
    received = [len(chunk) async for chunk in source.open_blob(descriptor)]
    assert sum(received) == len(content)


async def _push(target, content: bytes) -> None:
    await target.push_blob(
        Descriptor("application/octet-stream", sha256_digest(content), len(content)), in_memory(content)
    )
