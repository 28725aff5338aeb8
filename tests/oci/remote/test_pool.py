"""What one borrower leaves to the next, and what nobody inherits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from mirrors.oci import (
    AuthFailed,
    ClientPool,
    Credentials,
    Endpoint,
    HostPauses,
    OCIError,
    RegistryClient,
    RemoteRepository,
    Side,
    TLSFailed,
    run_in_background,
)
from mirrors.sample.images import small_image
from tests.oci.certificates import certificate_for_loopback
from tests.oci.conftest import QUICK
from tests.registry import PULL_LIMIT, FaultyRegistry
from tests.registry.switches import Login

Lend = Callable[..., AbstractAsyncContextManager[RegistryClient]]


@pytest.fixture
async def pool() -> AsyncIterator[ClientPool]:
    """A pool of this loop, with room for two idle clients."""
    pool = ClientPool(asyncio.get_running_loop, most_idle=2)
    yield pool
    await pool.close()


@pytest.fixture
def lend(pool: ClientPool, source_registry: FaultyRegistry) -> Lend:
    """`lend(password)`: a client of the source."""
    source_registry.repository("library/app").put(small_image(1), tag="v1")

    def lend(password: str | None = None, *, of: ClientPool = pool, **settings: object) -> object:
        credentials = Credentials("user", password) if password else None
        endpoint = Endpoint(source_registry.address, credentials, **{"verify_tls": False, **settings})  # type: ignore[arg-type]
        return of.lent(endpoint, lambda: _client(endpoint))

    return lend  # type: ignore[return-value]


def _client(endpoint: Endpoint) -> RegistryClient:
    return RegistryClient(endpoint, side=Side.SOURCE, timeouts=QUICK, first_pause=0.01, pauses=HostPauses())


async def _tags(client: RegistryClient) -> list[str]:
    return await RemoteRepository(client, "library/app").list_tags()


def _is_closed(client: RegistryClient) -> bool:
    session = client._transport._session
    return session is None or session.closed


async def test_the_next_borrower_has_connections_and_tokens(lend: Lend, source_registry: FaultyRegistry) -> None:
    source_registry.switches.login = Login()
    for _ in range(3):
        async with lend("password") as client:
            assert await _tags(client) == ["v1"]

    assert source_registry.count("GET", "^/token$") == 1
    assert source_registry.count("GET", "^/v2/$") + source_registry.count("GET", "^/$") <= 2  # is there TLS? asked once
    assert len({request.peer for request in source_registry.seen("GET", "/tags/list")}) == 1


async def test_borrowers_at_the_same_time_share_a_client_that_stays_open_for_the_last(lend: Lend) -> None:
    async with lend() as first:
        async with lend() as second:
            assert first is second
        assert await _tags(first) == ["v1"]


async def test_other_credentials_have_another_client(lend: Lend, source_registry: FaultyRegistry) -> None:
    source_registry.switches.login = Login()
    async with lend("password") as client:
        await _tags(client)
    for password in ("wrong", None):
        async with lend(password) as other:
            assert other is not client
            with pytest.raises(AuthFailed):
                await _tags(other)


@pytest.mark.parametrize("failure", [{"status": 403}, PULL_LIMIT])
async def test_what_was_refused_to_one_is_asked_anew_by_the_next(
    lend: Lend, source_registry: FaultyRegistry, failure: dict[str, object]
) -> None:
    source_registry.fail("GET", "/manifests/", **failure)  # type: ignore[arg-type]
    async with lend() as client:
        with pytest.raises(OCIError):
            await RemoteRepository(client, "library/app").fetch_manifest("v1")
    async with lend() as client:
        assert await RemoteRepository(client, "library/app").fetch_manifest("v1")


async def test_an_error_of_a_borrower_is_no_fault_of_the_client(lend: Lend) -> None:
    with pytest.raises(ZeroDivisionError):
        async with lend() as first:
            raise ZeroDivisionError
    async with lend() as second:
        assert second is first


async def test_an_idle_client_is_closed_after_a_while(lend: Lend) -> None:
    pool = ClientPool(asyncio.get_running_loop, idle=0.02)
    async with lend(of=pool) as client:
        await asyncio.sleep(0.04)
        assert not _is_closed(client)
    await asyncio.sleep(0.1)
    assert _is_closed(client)
    async with lend(of=pool) as another:
        assert another is not client
    await pool.close()


async def test_of_too_many_idle_clients_the_one_that_waited_longest_is_closed(pool: ClientPool, lend: Lend) -> None:
    clients = []
    for password in ("a", "b", "a", "c"):
        async with lend(password) as client:
            clients.append(client)
    a, b, _, c = clients
    await asyncio.sleep(0.01)
    assert [_is_closed(client) for client in (a, b, c)] == [False, True, False]


async def test_a_client_is_lent_only_so_long(lend: Lend) -> None:
    pool = ClientPool(asyncio.get_running_loop, longest_life=0.0)
    async with lend(of=pool) as old:
        async with lend(of=pool) as new:
            assert new is not old
        assert await _tags(old) == ["v1"]
    await pool.close()
    assert _is_closed(old)
    assert _is_closed(new)


async def test_closing_spares_what_is_lent_until_it_comes_back(pool: ClientPool, lend: Lend) -> None:
    async with lend() as client:
        await pool.close()
        assert await _tags(client) == ["v1"]
    await pool.close()
    assert _is_closed(client)


async def test_a_client_that_cannot_be_made_fails_its_borrower_and_no_other(pool: ClientPool, lend: Lend) -> None:
    for _ in range(2):
        with pytest.raises(TLSFailed):
            async with lend(verify_tls=True, ca_certificates="no certificate"):
                pass
    async with lend() as client:
        assert await _tags(client) == ["v1"]


async def test_another_loop_gets_a_client_of_its_own_that_is_closed_at_the_end(pool: ClientPool, lend: Lend) -> None:
    there = ClientPool(lambda: home)
    home = asyncio.get_running_loop()
    async with lend(of=there) as ours:
        pass

    async def borrow() -> RegistryClient:
        async with lend(of=there) as client:
            assert await _tags(client) == ["v1"]
        return client

    theirs = await asyncio.to_thread(lambda: run_in_background(borrow()))
    assert theirs is not ours
    assert _is_closed(theirs)
    assert not _is_closed(ours)
    await there.close()


async def test_a_pool_whose_loop_is_another_now_begins_afresh(lend: Lend) -> None:
    home = asyncio.get_running_loop()
    pool = ClientPool(lambda: home)
    async with lend(of=pool) as ours:
        pass

    async def borrow() -> RegistryClient:
        async with lend(of=pool) as first:
            pass
        async with lend(of=pool) as second:
            assert first is second
        await pool.close()
        return first

    def elsewhere() -> RegistryClient:
        nonlocal home
        home = run_in_background(_the_loop())
        return run_in_background(borrow())

    assert await asyncio.to_thread(elsewhere) is not ours
    await ours.__aexit__()


async def _the_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def test_tls_is_agreed_upon_once(pool: ClientPool, tmp_path: Path) -> None:
    tls, _ = certificate_for_loopback(tmp_path)
    with FaultyRegistry(tls=tls) as registry:
        registry.repository("library/app")
        endpoint = Endpoint(registry.address, verify_tls=False)
        for _ in range(3):
            async with pool.lent(endpoint, lambda: _client(endpoint)) as client:
                await _tags(client)
        assert len({request.peer for request in registry.seen("GET", "/tags/list")}) == 1
        await pool.close()
