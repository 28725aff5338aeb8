from __future__ import annotations

from itertools import pairwise

import aiohttp
import pytest

from mirrors.oci import (
    AuthFailed,
    LimitKind,
    NameNotResolved,
    OCIError,
    RateLimited,
    RegistryFault,
    RegistryTimeout,
    RemoteRepository,
)
from mirrors.oci.remote.http.retries import Persistence
from tests.registry import SECONDARY_LIMIT, FaultyRegistry


def persistence(*, heard: bool = True) -> Persistence:
    made = Persistence(attempts=4, first_pause=0.5, longest_pause=60)
    made.heard = heard
    return made


def limited(kind: LimitKind, *, after: float | None = None) -> RateLimited:
    return RateLimited("x", limit=kind, retry_after=after)


@pytest.mark.parametrize(
    ("error", "number", "least", "most"),
    [
        (RegistryFault("x"), 1, 0.25, 0.5),
        (RegistryFault("x"), 2, 0.5, 1.0),
        (RegistryFault("x"), 3, 1.0, 2.0),
        (RegistryFault("x", retry_after=7), 1, 7, 8.75),
        (limited(LimitKind.SECONDARY, after=0.0019), 3, 1.0, 2.0),
        (limited(LimitKind.UNKNOWN), 1, 1.0, 1.25),
        (limited(LimitKind.ABUSE), 1, 10, 12.5),
        (limited(LimitKind.QUOTA), 1, 10, 12.5),
        (limited(LimitKind.SECONDARY), 1, 60, 75),
        (limited(LimitKind.PULLS, after=30), 1, 30, 37.5),
        (RegistryTimeout("x"), 1, 0.25, 0.5),
    ],
)
def test_a_pause_is_what_the_registry_wants_and_never_less_than_our_own(
    error: OCIError, number: int, least: float, most: float
) -> None:
    pauses = {persistence().pause_after(error, number=number) for _ in range(50)}
    assert None not in pauses
    assert all(least <= pause <= most for pause in pauses if pause is not None)
    assert len(pauses) > 1  # nobody in lockstep


@pytest.mark.parametrize(
    "error",
    [
        AuthFailed("x"),
        NameNotResolved("x"),
        RegistryFault("x", retry_after=61),
        limited(LimitKind.PULLS),
        limited(LimitKind.PULLS, after=3600),
    ],
)
def test_what_another_try_would_not_help_is_not_tried_again(error: OCIError) -> None:
    assert persistence().pause_after(error, number=1) is None


def test_silence_is_waited_for_twice_at_most_and_once_where_nobody_ever_spoke() -> None:
    assert persistence().pause_after(RegistryTimeout("x"), number=2) is None
    assert persistence(heard=False).pause_after(RegistryTimeout("x"), number=1) is None
    no_connection = RegistryTimeout("x")
    no_connection.__cause__ = aiohttp.ConnectionTimeoutError()
    assert persistence().pause_after(no_connection, number=1) is None


async def test_a_registry_that_asks_for_milliseconds_gets_more(
    source_registry: FaultyRegistry, source: RemoteRepository
) -> None:
    source_registry.fail("GET", "/tags/", **SECONDARY_LIMIT, times=3)
    assert await source.list_tags() == []
    times = [request.at for request in source_registry.seen("GET", "/tags/")]
    assert all(later - earlier >= 0.005 for earlier, later in pairwise(times))
