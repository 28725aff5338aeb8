from __future__ import annotations

import asyncio
import time

import pytest
from yarl import URL

from mirrors.oci import AuthFailed, Credentials, HostPauses, RateLimited, RegistryClient, RegistryFault
from mirrors.oci.remote.limits import pauses as module
from mirrors.oci.remote.limits.pauses import LONGEST_PAUSE
from mirrors.sample.images import small_image
from tests.registry import ABUSE, FaultyRegistry
from tests.registry.switches import Login


@pytest.fixture
def pauses() -> HostPauses:
    """Shared by the clients of a test."""
    return HostPauses()


def test_the_longer_of_two_pauses_counts(pauses: HostPauses) -> None:
    pauses.pause("a.example", seconds=50)
    pauses.pause("a.example", seconds=5)
    pauses.pause("b.example", seconds=0)
    assert 49 < pauses.remaining("a.example") <= 50
    assert pauses.remaining("b.example") == 0
    assert pauses.remaining("c.example") == 0


def test_no_answer_keeps_everybody_from_a_host_for_days(pauses: HostPauses) -> None:
    pauses.pause("a.example", seconds=10**9)
    pauses.merge({"b.example": time.time() + 10**9})
    assert pauses.remaining("a.example") <= LONGEST_PAUSE
    assert pauses.remaining("b.example") <= LONGEST_PAUSE


def test_pauses_travel_between_processes_by_the_clock_on_the_wall(pauses: HostPauses) -> None:
    pauses.pause("a.example", seconds=50)
    other = HostPauses()
    other.pause("b.example", seconds=70)
    other.pause("a.example", seconds=10)
    other.merge({**pauses.snapshot(), "over.example": time.time() - 5})
    assert sorted(other.snapshot()) == ["a.example", "b.example"]
    assert other.snapshot()["a.example"] == pytest.approx(time.time() + 50, abs=1)


async def test_a_pause_that_is_over_is_forgotten(pauses: HostPauses) -> None:
    pauses.pause("a.example", seconds=0.01)
    assert await pauses.wait("a.example", patience=60) == 0
    assert "a.example" not in pauses
    assert pauses.snapshot() == {}


async def test_who_waits_goes_on_when_the_pause_is_lifted(pauses: HostPauses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_AGAIN", 0.01)
    pauses.pause("a.example", seconds=3000)
    waiting = asyncio.create_task(pauses.wait("a.example", patience=3600))
    await asyncio.sleep(0.03)
    assert not waiting.done()

    pauses.lift("a.example")

    assert await asyncio.wait_for(waiting, timeout=5) == 0


async def test_nobody_wakes_up_in_lockstep(pauses: HostPauses) -> None:
    pauses.pause("a.example", seconds=0.2)
    ends = []

    async def wait() -> None:
        await pauses.wait("a.example", patience=60)
        ends.append(time.monotonic())

    began = time.monotonic()
    await asyncio.gather(*(wait() for _ in range(20)))
    assert min(ends) >= began + 0.19
    assert max(ends) - min(ends) > 0.01


@pytest.mark.parametrize("status", [429, 503])
async def test_every_client_waits_when_one_is_told_to(
    source_registry: FaultyRegistry, open_repository, pauses: HostPauses, status: int
) -> None:
    source_registry.repository("library/app")
    source_registry.repository("library/other")
    first = await open_repository(source_registry.address, pauses=pauses)
    second = await open_repository(source_registry.address, "library/other", pauses=pauses)
    await second.list_tags()
    source_registry.fail("GET", "library/app/tags/", status=status, headers={"Retry-After": "0.4"})
    refused = asyncio.create_task(first.list_tags())
    while not pauses.snapshot() and not refused.done():  # noqa: ASYNC110 - until the pause has begun
        await asyncio.sleep(0.005)
    await second.list_tags()
    await refused
    answers = [request.at for request in source_registry.seen("GET", "/tags/")]
    assert answers[2] - answers[1] >= 0.4


async def test_a_pause_beyond_patience_costs_no_request(
    source_registry: FaultyRegistry, open_repository, pauses: HostPauses
) -> None:
    source = await open_repository(source_registry.address, pauses=pauses)
    source_registry.fail("GET", "/tags/", status=429, headers={"Retry-After": "300"}, times=9)
    for _ in range(3):
        with pytest.raises(RateLimited, match=source_registry.address) as caught:
            await source.list_tags()
        assert 299 < (caught.value.retry_after or 0) <= 300
    assert source_registry.count("GET", "/tags/") == 1


async def test_a_storage_host_that_asks_for_a_pause_stops_itself_alone(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, open_repository, pauses: HostPauses
) -> None:
    image = small_image()
    source_registry.repository("library/app").put(image, tag="v1")
    target_registry.repository("storage").blobs.update(image.all_blobs())
    source_registry.switches.blob_redirect = target_registry.url
    target_registry.fail("GET", "/storage/", status=503, headers={"Retry-After": "300"}, times=9)
    source = await open_repository(source_registry.address, pauses=pauses)
    blob = next(iter(image.manifest.blobs()))
    with pytest.raises(RegistryFault, match=source_registry.address):
        _ = [chunk async for chunk in source.open_blob(blob)]
    assert list(pauses.snapshot()) == [target_registry.address]
    assert await source.resolve("v1")


async def test_a_token_service_that_asks_for_a_pause_stops_itself_alone(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, open_repository, pauses: HostPauses
) -> None:
    target_registry.switches.login = Login(anonymous=True)
    source_registry.switches.login = Login(realm=f"{target_registry.url}/token")
    target_registry.fail("GET", "/token", status=429, headers={"Retry-After": "300"}, times=9)
    source = await open_repository(source_registry.address, pauses=pauses)
    with pytest.raises(RateLimited):
        await source.list_tags()
    assert list(pauses.snapshot()) == [target_registry.address]
    assert target_registry.count("GET", "/token") == 1


async def test_what_a_proxy_brings_stops_only_those_behind_it(
    source_registry: FaultyRegistry, open_repository, pauses: HostPauses
) -> None:
    source_registry.fail("GET", "/", status=429, headers={"Retry-After": "300"}, times=9)
    behind = await open_repository("registry.example", http_proxy=source_registry.url, pauses=pauses)
    behind._client._home.root = URL("http://registry.example/")
    with pytest.raises(RateLimited):
        await behind.list_tags()
    assert list(pauses.snapshot()) == [f"registry.example via {source_registry.address}"]


async def test_a_long_pause_of_one_account_keeps_others_waiting_for_a_minute_at_most(
    source_registry: FaultyRegistry, open_repository, pauses: HostPauses
) -> None:
    source_registry.switches.login = Login(anonymous=True)
    login = source_registry.switches.login
    source_registry.repository("library/app")
    source_registry.fail("GET", "/tags/", status=429, headers={"Retry-After": "3000"}, times=1)
    locked, again, other = [
        await open_repository(source_registry.address, pauses=pauses, credentials=Credentials(name, login.password))
        for name in (login.username, login.username, "somebody")
    ]
    anonymous = await open_repository(source_registry.address, pauses=pauses)
    await locked.resolve("v1")  # what it asks from now on is asked with its token
    with pytest.raises(RateLimited):
        await locked.list_tags()
    assert sorted(round(end - time.time(), -1) for end in pauses.snapshot().values()) == [60, 3000]
    assert login.username not in str(pauses.snapshot())

    pauses.lift(source_registry.address)  # as it is over after a minute
    for repository in (locked, again):
        with pytest.raises(RateLimited):
            await repository.list_tags()
    assert source_registry.count("GET", "/tags/") == 1
    assert await anonymous.list_tags() == []
    with pytest.raises(AuthFailed):
        await other.list_tags()


@pytest.mark.parametrize("username", ["somebody", "<token>"])  # by GET, and by POST of an identity token
async def test_who_tries_passwords_keeps_nobody_else_from_the_token_service(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, open_repository, pauses: HostPauses, username: str
) -> None:
    source_registry.switches.login = Login(realm=f"{target_registry.url}/token")
    for method in ("GET", "POST"):
        target_registry.fail(method, "/token", status=429, headers={"Retry-After": "3000"}, times=9)
    source = await open_repository(source_registry.address, pauses=pauses, credentials=Credentials(username, "guess"))
    with pytest.raises(RateLimited):
        await source.list_tags()
    assert target_registry.count("", "/token") == 1
    assert 0 < pauses.remaining(target_registry.address) <= 60


async def test_a_long_pause_that_is_asked_of_our_address_is_everybodys(
    source_registry: FaultyRegistry, open_repository, pauses: HostPauses
) -> None:
    source_registry.switches.login = login = Login()
    source = await open_repository(
        source_registry.address, pauses=pauses, credentials=Credentials(login.username, login.password)
    )
    await source.resolve("v1")
    abuse = {**ABUSE, "headers": {**ABUSE.get("headers", {}), "Retry-After": "3000"}}
    source_registry.fail("GET", "/tags/", times=9, **abuse)
    with pytest.raises(RateLimited):
        await source.list_tags()
    assert list(pauses.snapshot()) == [source_registry.address]
    assert pauses.remaining(source_registry.address) > 2900


async def test_all_clients_of_a_process_share_one_wait(monkeypatch: pytest.MonkeyPatch, open_repository) -> None:
    mine = HostPauses()
    monkeypatch.setattr(module, "PROCESS_PAUSES", mine)
    repository = await open_repository("registry.example")
    client = RegistryClient(repository._client.endpoint, side=repository._client.side)
    assert client._transport._pauses is mine
