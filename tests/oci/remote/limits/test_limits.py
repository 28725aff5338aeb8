from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from mirrors.oci import OCIError, RemoteRepository
from mirrors.oci.remote.limits import concurrency as limits
from mirrors.oci.remote.limits.concurrency import START, AdaptiveLimit
from mirrors.sample.images import small_image
from tests.registry import FaultyRegistry


async def round_of(limit: AdaptiveLimit, *, seconds: float | None = None) -> int:
    """As many requests as there are places, each followed by another when it is answered: how many they were."""
    number = limit.places
    for _ in range(number):
        await limit.take()
    for _ in range(number):
        limit.answered(seconds)
        limit.release()
        while limit.in_flight < limit.places:
            await limit.take()
    while limit.in_flight:
        limit.release()
    return number


async def test_a_host_that_never_complains_is_soon_asked_as_much_as_it_may_be() -> None:
    limit = AdaptiveLimit(100)
    rounds = [await round_of(limit) for _ in range(6)]
    assert rounds[:3] == sorted(rounds[:3])
    assert rounds[0] == START
    assert rounds[2] >= 2 * START
    assert rounds[-1] == 100


async def test_a_complaint_halves_and_growth_is_slow_from_then_on() -> None:
    limit = AdaptiveLimit(64)
    for _ in range(6):
        await round_of(limit)
    limit.refused(started=1.0, now=2.0)
    rounds = [await round_of(limit) for _ in range(4)]
    assert rounds[0] == 32
    assert 32 < rounds[-1] <= 36


async def test_complaints_about_one_crowd_count_once() -> None:
    limit = AdaptiveLimit(16)
    for _ in range(16):
        limit.refused(started=1.0, now=2.0)
    assert limit.places == 8
    limit.refused(started=2.5, now=3.0)
    assert limit.places == 4


async def test_one_place_is_always_left() -> None:
    limit = AdaptiveLimit(16)
    for moment in range(1, 20):
        limit.refused(started=moment, now=moment)
    assert limit.places == 1
    async with asyncio.timeout(1):
        await limit.take()


async def test_a_limit_that_is_not_used_does_not_grow() -> None:
    limit = AdaptiveLimit(64)
    for _ in range(100):
        await limit.take()
        limit.answered(None)
        limit.release()
    assert limit.places == START


async def test_a_queue_at_the_host_is_not_made_longer_but_a_slow_host_is_not_starved() -> None:
    limit = AdaptiveLimit(32)
    for _ in range(4):
        await round_of(limit, seconds=0.01)
    for _ in range(4):
        await round_of(limit, seconds=0.2)
    assert limit.places == 32  # twenty times the best, and still not long
    shrunk = [await round_of(limit, seconds=1.0) for _ in range(40)]
    assert min(shrunk) < 32
    assert min(shrunk) >= 4
    for _ in range(100):
        await round_of(limit, seconds=1.0)
    assert limit.places == 32


async def test_places_are_given_in_order_and_none_is_lost_by_a_cancel() -> None:
    limit, order = AdaptiveLimit(1), []
    await limit.take()

    async def wait(name: str) -> None:
        await limit.take()
        order.append(name)
        limit.release()

    tasks = [asyncio.create_task(wait(name)) for name in "abcd"]
    await asyncio.sleep(0)
    tasks[1].cancel()
    limit.release()
    tasks[0].cancel()  # it has been given the place, and has not run yet
    await asyncio.wait(tasks)
    assert order == ["c", "d"]
    assert limit.in_flight == 0


async def test_a_far_registry_gets_all_its_connections_within_one_list(
    source_registry: FaultyRegistry, open_repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_LATENCY_EXCESS", 60.0)  # however busy this machine is
    source_registry.repository("library/app").put(small_image(), tag="v1")
    repository = await open_repository(source_registry.address, max_connections=48)
    await repository.resolve("v1")
    source_registry.switches.delay = 0.03
    await asyncio.gather(*(repository.resolve("v1") for _ in range(100)))
    assert limit_of(repository).places == 48
    assert limit_of(repository).in_flight == 0


@pytest.mark.parametrize("status", [429, 503, 0])
async def test_a_registry_that_has_enough_gets_half_at_a_time(
    source_registry: FaultyRegistry, source: RemoteRepository, status: int
) -> None:
    await source.list_tags()
    before = limit_of(source).places
    source_registry.fail("GET", "/tags/", status=status, times=2)
    await source.list_tags()
    assert limit_of(source).places <= before / 2


async def test_every_place_is_given_back_whatever_happens(source_registry: FaultyRegistry, open_repository) -> None:
    repository = await open_repository(source_registry.address, max_connections=2)
    source_registry.repository("library/app")
    await repository.list_tags()
    for status in (200, 302, 404, 405, 500, 0):
        source_registry.fail("GET", "/tags/", status=status, headers={"Location": "http://[::1/"}, times=1)
        with suppress(OCIError):
            await repository.list_tags()
    source_registry.switches.swallow = True
    lost = [asyncio.create_task(repository.list_tags()) for _ in range(4)]
    await asyncio.sleep(0.05)
    for task in lost:
        task.cancel()
    await asyncio.wait(lost)
    assert limit_of(repository).in_flight == 0


def limit_of(repository: RemoteRepository) -> AdaptiveLimit:
    return repository._client._transport._peers[repository.location].limit
