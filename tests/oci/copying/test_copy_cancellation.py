from __future__ import annotations

import asyncio
import time

import pytest

from mirrors.oci import Action, CopyOptions, Progress, RegistryTimeout, Side, copy_tags
from mirrors.oci.content import in_memory
from mirrors.sample.images import image_of_size, small_image
from tests.registry import FaultyRegistry

MIB = 1 << 20


def tasks_besides_this_one() -> set[asyncio.Task[object]]:
    return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]


async def test_a_cancelled_copy_ends_at_once_and_leaves_nothing_running(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    source_registry.switches.blobs = "stalling"
    for number in range(4):
        source_registry.repository("library/app").put(image_of_size(2 * MIB, layers=2, seed=number), tag=f"v{number}")
    before = tasks_besides_this_one()
    progress = Progress()
    copying = asyncio.create_task(copy_tags(source, target, await source.list_tags(), progress=progress))
    while not progress.bytes_copied or not target_registry.count("PUT"):  # noqa: ASYNC110 - seen in another thread
        await asyncio.sleep(0.01)
    assert progress.active
    copying.cancel()
    started = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await copying
    assert time.monotonic() - started < 3
    await asyncio.sleep(0)
    assert {task for task in tasks_besides_this_one() - before if "Resolver" not in repr(task)} == set()
    held = target_registry.repository("mirror/app")
    assert (held.tags, held.blobs, held.uploads) == ({}, {}, {})
    assert progress.active == {}


async def test_what_a_callback_raises_ends_the_copy(source_registry: FaultyRegistry, source, target) -> None:
    class LeaseLost(Exception):
        pass

    def refuse(outcome: object) -> None:
        raise LeaseLost

    for number in range(20):
        source_registry.repository("library/app").put(small_image(number), tag=f"v{number}")
    with pytest.raises(LeaseLost):
        await copy_tags(source, target, await source.list_tags(), on_outcome=refuse)


async def test_a_tag_that_times_out_takes_no_shared_blob_from_another(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    image = image_of_size(MIB)
    for tag in ("first", "second"):
        source_registry.repository("library/app").put(image, tag=tag)
    source_registry.switches.delay = 0.15
    outcomes = await copy_tags(source, target, ["first", "second"], options=CopyOptions(tag_timeout=10))
    assert [outcome.action for outcome in outcomes] == [Action.COPIED, Action.COPIED]
    assert source_registry.count("GET", "/blobs/") == 2


async def test_a_target_that_stops_taking_bytes_times_out(open_repository) -> None:
    """It answers everything else, then reads nothing of the PUT."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"PUT"):
            writer.write(
                b"HTTP/1.1 202 Accepted\r\nLocation: /v2/a/u\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            writer.close()
        else:
            await asyncio.sleep(3600)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    target = await open_repository(address, "a", side=Side.TARGET)
    image = image_of_size(30 * MIB)
    layer = list(image.manifest.blobs())[1]
    content = image.blobs[layer.digest]

    started = time.monotonic()
    with pytest.raises(RegistryTimeout, match="stopped taking"):
        await target.push_blob(layer, in_memory(content))
    assert time.monotonic() - started < 8
    server.close()
