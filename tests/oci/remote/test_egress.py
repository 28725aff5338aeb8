from __future__ import annotations

import ipaddress

import pytest

from mirrors.oci import DEFAULT_BLOCKED, BlockedDestination, EgressGuard
from tests.registry import FaultyRegistry
from tests.registry.switches import Login

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::169.254.169.254]",
        "0xa9fea9fe",
        "2852039166",
        "169.16689662",
        "0251.0376.0251.0376",
        "0.0.0.0",
        "0",
        "[::]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "224.0.0.1",
        "255.255.255.255",
        "metadata.google.internal",
        "METADATA.google.internal.",
    ],
)
def test_metadata_services_and_the_like_are_blocked_in_every_spelling(host: str) -> None:
    with pytest.raises(BlockedDestination):
        EgressGuard().check_host(host)


@pytest.mark.parametrize("host", ["quay.io", "10.0.0.1", "[2001:db8::1]", "127.0.0.1", "metadata.example.com"])
def test_other_hosts_pass_by_default(host: str) -> None:
    EgressGuard().check_host(host)


@pytest.mark.parametrize("allowed", ["169.254.0.0/16", "169.254.169.254", "::ffff:169.254.169.254/128"])
def test_an_allowed_network_lifts_the_block(allowed: str) -> None:
    EgressGuard(blocked_networks=DEFAULT_BLOCKED, allowed_hosts=[allowed]).check_host("[::ffff:169.254.169.254]")


async def test_a_name_is_checked_by_the_addresses_it_has(source_registry: FaultyRegistry, open_repository) -> None:
    guard = EgressGuard(blocked_networks=LOOPBACK)
    port = source_registry.address.partition(":")[2]
    repository = await open_repository(f"localhost:{port}", guard=guard)
    with pytest.raises(BlockedDestination, match="localhost") as caught:
        await repository.list_tags()
    assert "127" not in str(caught.value)
    assert source_registry.requests == []


async def test_an_allowed_name_is_reached(source_registry: FaultyRegistry, open_repository) -> None:
    source_registry.repository("library/app")
    guard = EgressGuard(blocked_networks=LOOPBACK, allowed_hosts=["LOCALHOST"])
    port = source_registry.address.partition(":")[2]
    assert await (await open_repository(f"localhost:{port}", guard=guard)).list_tags() == []


async def test_a_token_realm_passes_the_guard_too(source_registry: FaultyRegistry, open_repository) -> None:
    source_registry.switches.login = Login(realm="http://169.254.169.254/latest", anonymous=True)
    repository = await open_repository(source_registry.address, guard=EgressGuard())
    with pytest.raises(BlockedDestination):
        await repository.list_tags()


async def test_a_redirect_passes_the_guard_too(source_registry: FaultyRegistry, open_repository) -> None:
    source_registry.fail("GET", "/tags/", status=307, headers={"Location": "http://169.254.169.254/latest/meta-data"})
    repository = await open_repository(source_registry.address, guard=EgressGuard())
    with pytest.raises(BlockedDestination):
        await repository.list_tags()
