from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from mirrors.errors import InvalidInput
from mirrors.models import Mirror, Registry
from mirrors.oci import BlockedDestination, EgressGuard, Side
from mirrors.sample import address
from mirrors.services.mirroring import mirror_fields
from mirrors.services.syncs import connections
from mirrors.services.syncs.connections import Location
from tests.registry import FaultyRegistry


@pytest.fixture
def strict(settings: Settings, tmp_path: Path) -> Settings:
    """The settings of a farm that nobody has told anything."""
    settings.EGRESS_POLICY, settings.SSRF_ALLOWED_HOSTS, settings.EMBEDDED = "strict", [], False
    settings.DATA_DIR = tmp_path
    return settings


@pytest.mark.parametrize(
    "registry",
    ["localhost:5000", "127.0.0.1:5000", "10.0.0.5", "kubernetes.default.svc", "r.corp.local", "[::1]:80"],
)
def test_a_source_that_is_not_public_is_refused_when_it_is_given(strict: Settings, registry: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        mirror_fields.clean_source_reference(f"{registry}/library/app")
    assert caught.value.message == "The provided registry location is not allowed"


@pytest.mark.parametrize("allowed", ["10.0.0.5", "10.0.0.0/8", "10.0.0.5:5000"])
def test_an_allowed_source_is_taken(strict: Settings, allowed: str) -> None:
    strict.SSRF_ALLOWED_HOSTS = [allowed]
    assert mirror_fields.clean_source_reference("10.0.0.5:5000/library/app")


def test_a_farm_on_private_networks_takes_their_sources_and_still_none_of_this_machine(strict: Settings) -> None:
    strict.EGRESS_POLICY = "private-allowed"
    for registry in ("10.0.0.5:5000", "harbor.corp.local"):
        assert mirror_fields.clean_source_reference(f"{registry}/library/app")
    for registry in ("127.0.0.1:5000", "localhost:5000", "169.254.169.254", "metadata.google.internal"):
        with pytest.raises(InvalidInput):
            mirror_fields.clean_source_reference(f"{registry}/library/app")


def test_further_networks_are_blocked_by_the_setting(strict: Settings) -> None:
    strict.EGRESS_POLICY, strict.EGRESS_BLOCKED_NETWORKS = "private-allowed", ["10.9.0.0/16"]
    connections.guard().check_host("10.8.0.1")
    _refuse(connections.guard(), "10.9.0.1", 443)


def test_the_demonstration_is_reached_at_its_own_port_and_nothing_else_of_this_machine(strict: Settings) -> None:
    strict.EMBEDDED, strict.PUBLIC_URL = True, "http://127.0.0.1:8000"
    address.announce(strict.DATA_DIR, address="127.0.0.1:5001")
    for port in (5001, 8000):
        connections.guard().check_host("127.0.0.1", port=port)
    for host, port in (("127.0.0.1", 5555), ("localhost", 6379), ("127.0.0.2", 5001), ("10.0.0.1", 5001)):
        _refuse(connections.guard(), host, port)
    address.forget(strict.DATA_DIR)
    _refuse(connections.guard(), "127.0.0.1", 5001)


def test_a_farm_does_not_reach_itself_by_its_own_address(strict: Settings) -> None:
    strict.PUBLIC_URL = "http://127.0.0.1:8000"
    address.announce(strict.DATA_DIR, address="127.0.0.1:5001")
    for port in (5001, 8000):
        _refuse(connections.guard(), "127.0.0.1", port)


def test_a_target_registry_and_its_proxy_are_trusted_at_their_own_ports(strict: Settings) -> None:
    registry = Registry(address="harbor.corp.local", https_proxy="proxy.corp.internal:3128", http_proxy="socks5://:x")
    guard = connections.guard(trusted=connections.registry_endpoint(registry))
    guard.check_host("harbor.corp.local", port=443)
    guard.check_addresses(["10.0.0.5"], host="harbor.corp.local", port=443)
    guard.check_host("proxy.corp.internal", port=3128)
    for host, port in (("harbor.corp.local", 80), ("minio.corp.local", 443), ("10.0.0.5", 443)):
        _refuse(guard, host, port)


def test_plain_http_is_trusted_where_tls_need_not_be_verified(strict: Settings) -> None:
    registry = Registry(address="10.0.0.5", verify_tls=False)
    guard = connections.guard(trusted=connections.registry_endpoint(registry))
    for port in (80, 443):
        guard.check_host("10.0.0.5", port=port)
    _refuse(guard, "10.0.0.5", 5000)


@pytest.mark.django_db
def test_the_proxies_of_a_mirror_are_for_its_source_alone(make_mirror: Callable[..., Mirror]) -> None:
    proxies = {"http_proxy": "http://proxy:3128", "https_proxy": "http://proxy:3129", "no_proxy": "corp.local"}
    mirror = make_mirror(**proxies)
    namespace = mirror.repository.namespace
    namespace.target_registry = Registry.objects.create(name="harbor", address="harbor.corp.local")
    source, target = connections.source_of(mirror).endpoint, connections.target_of(mirror.repository).endpoint
    assert source is not None
    assert {name: getattr(source, name) for name in proxies} == proxies
    assert target is not None
    assert {name: getattr(target, name) for name in proxies} == dict.fromkeys(proxies)


async def test_only_a_target_is_trusted(strict: Settings) -> None:
    with FaultyRegistry() as server:
        server.repository("library/app")
        endpoint = connections.registry_endpoint(Registry(address=server.address, verify_tls=False))
        location = Location(endpoint, "library/app")
        async with connections.opened(location, side=Side.TARGET) as repository:
            assert await repository.list_tags() == []
        served = len(server.requests)
        async with connections.opened(location, side=Side.SOURCE) as repository:
            with pytest.raises(BlockedDestination):
                await repository.list_tags()
        assert len(server.requests) == served


async def test_what_a_trusted_target_leads_to_is_not_trusted(strict: Settings) -> None:
    with FaultyRegistry() as server, FaultyRegistry() as elsewhere:
        server.repository("library/app")
        server.fail("GET", "/tags/", status=307, headers={"Location": f"{elsewhere.url}/v2/library/app/tags/list"})
        endpoint = connections.registry_endpoint(Registry(address=server.address, verify_tls=False))
        async with connections.opened(Location(endpoint, "library/app"), side=Side.TARGET) as repository:
            with pytest.raises(BlockedDestination):
                await repository.list_tags()
        assert elsewhere.requests == []


def _refuse(guard: EgressGuard, host: str, port: int) -> None:
    with pytest.raises(BlockedDestination):
        guard.check_host(host, port=port)
