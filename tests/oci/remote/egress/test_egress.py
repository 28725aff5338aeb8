from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

import pytest

from mirrors.oci import BlockedDestination, Descriptor, EgressGuard, EgressPolicy, MalformedAnswer, Side
from mirrors.oci.content import in_memory
from mirrors.oci.images.manifest import sha256_digest
from tests.registry import FaultyRegistry
from tests.registry.switches import Login

LOOPBACK = "127.0.0.0/8"
CONTENT = Descriptor("application/octet-stream", sha256_digest(b"content"), 7)
PRIVATE_ALLOWED = EgressGuard(policy=EgressPolicy.PRIVATE_ALLOWED)


@pytest.fixture
def elsewhere() -> Iterator[FaultyRegistry]:
    """A server on another port of this machine, which nothing may lead to."""
    with FaultyRegistry() as registry:
        registry.repository("library/app")
        yield registry
        assert registry.requests == []


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
        "0",
        "[::]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "10.0.0.1",
        "127.0.0.1",
        "LOCALHOST.",
        "METADATA.google.internal.",
        "registry.corp.local",
        "",
    ],
)
def test_by_default_only_public_hosts_pass_in_any_spelling(host: str) -> None:
    with pytest.raises(BlockedDestination):
        EgressGuard().check_host(host)


@pytest.mark.parametrize("host", ["quay.io", "8.8.8.8", "[2606:4700::1111]", "metadata.example.com"])
def test_public_hosts_pass_by_default(host: str) -> None:
    EgressGuard().check_host(host)


def test_hosts_of_private_networks_pass_where_the_policy_says_so() -> None:
    for host in ("10.0.0.5", "[fd12::1]", "registry.corp.local"):
        PRIVATE_ALLOWED.check_host(host)
    PRIVATE_ALLOWED.check_addresses(["192.168.1.1", "8.8.8.8"], host="registry.corp.local")
    for address in ("127.0.0.1", "169.254.169.254", "fe80::1"):
        with pytest.raises(BlockedDestination):
            PRIVATE_ALLOWED.check_addresses(["192.168.1.1", address], host="registry.corp.local")


def test_further_networks_can_be_blocked_whatever_the_policy() -> None:
    database = [ipaddress.ip_network("10.9.0.0/16")]
    guard = EgressGuard(policy=EgressPolicy.PRIVATE_ALLOWED, blocked_networks=database)
    guard.check_host("10.8.0.1")
    for host in ("10.9.0.1", "[::ffff:10.9.0.1]"):
        with pytest.raises(BlockedDestination):
            guard.check_host(host)


@pytest.mark.parametrize("allowed", ["169.254.0.0/16", "169.254.169.254", "::ffff:169.254.169.254/128"])
def test_an_allowed_network_frees_the_addresses_in_it(allowed: str) -> None:
    EgressGuard(allowed_hosts=[allowed]).check_host("[::ffff:169.254.169.254]")


def test_an_allowed_name_is_freed_with_every_address_it_has_and_no_other_name_is() -> None:
    guard = EgressGuard(allowed_hosts=["Registry.Corp.LOCAL"])
    guard.check_host("registry.corp.local.")
    guard.check_addresses(["10.0.0.1", "127.0.0.1"], host="REGISTRY.corp.local")
    for host in ("other.corp.local", "sub.registry.corp.local", "10.0.0.1"):
        with pytest.raises(BlockedDestination):
            guard.check_host(host)
    with pytest.raises(BlockedDestination):
        guard.check_addresses(["10.0.0.1"], host="registry.example.com")


def test_an_allowed_network_frees_a_blocked_name_once_an_address_of_it_is_inside() -> None:
    guard = EgressGuard(allowed_hosts=["10.0.0.0/8"])
    guard.check_host("registry.corp.local")
    guard.check_addresses(["10.1.2.3", "8.8.8.8"], host="registry.corp.local")
    for addresses in (["8.8.8.8"], ["10.1.2.3", "192.168.0.1"], []):
        with pytest.raises(BlockedDestination):
            guard.check_addresses(addresses, host="registry.corp.local")


def test_an_allowed_network_does_not_free_the_names_of_metadata_services_and_of_kubernetes() -> None:
    guard = EgressGuard(allowed_hosts=["0.0.0.0/0"])
    for name in ("metadata.google.internal", "kubernetes.default.svc"):
        with pytest.raises(BlockedDestination):
            guard.check_host(name)
        with pytest.raises(BlockedDestination):
            guard.check_addresses(["10.0.0.1"], host=name)
        EgressGuard(allowed_hosts=[name]).check_host(name)


def test_a_blocked_name_that_a_proxy_would_resolve_needs_its_own_entry() -> None:
    guard = EgressGuard(allowed_hosts=["10.0.0.0/8", "harbor.corp.local"])
    guard.check_host("harbor.corp.local", by_proxy=True)
    with pytest.raises(BlockedDestination):
        guard.check_host("registry.corp.local", by_proxy=True)


def test_an_entry_with_a_port_is_for_that_port_alone() -> None:
    guard = EgressGuard(allowed_hosts=["127.0.0.1:5000", "registry.corp.local:443", "[fd00::1]:5000"])
    for host, port in (("127.0.0.1", 5000), ("registry.corp.local", 443), ("[fd00::1]", 5000)):
        guard.check_host(host, port=port)
        guard.check_host(host)  # the port is not known yet
        with pytest.raises(BlockedDestination):
            guard.check_host(host, port=8080)
    guard.check_addresses(["127.0.0.1"], host="localhost", port=5000)
    with pytest.raises(BlockedDestination):
        guard.check_addresses(["127.0.0.1"], host="localhost", port=5001)


def test_every_address_of_a_name_must_pass_and_what_is_none_does_not() -> None:
    guard = EgressGuard()
    guard.check_addresses(["8.8.8.8", "2606:4700::1111"], host="registry.example.com")
    for addresses in (["8.8.8.8", "10.0.0.1"], ["2606:4700::1111", "::1"], ["nonsense"]):
        with pytest.raises(BlockedDestination) as caught:
            guard.check_addresses(addresses, host="registry.example.com")
        assert "10.0" not in str(caught.value)
        assert "::1" not in str(caught.value)


@pytest.mark.parametrize(
    "entry",
    ["", "*.corp.local", "http://registry.corp", "10.0.0.0/99", "registry.corp:0", "a b", "registry.corp:99999"],
)
def test_an_entry_that_is_no_host_is_told(entry: str) -> None:
    with pytest.raises(ValueError, match="is no exact host name, address or network"):
        EgressGuard(allowed_hosts=[entry])


def test_trusted_addresses_pass_at_their_own_port_alone() -> None:
    guard = EgressGuard().trusting(
        "https://10.0.0.5:5000", "https://harbor.corp.local", "http://[fd00::1]", "nonsense:"
    )
    guard.check_host("10.0.0.5", port=5000)
    guard.check_host("harbor.corp.local", port=443)
    guard.check_host("fd00::1", port=80)
    for host, port in (("10.0.0.5", 443), ("harbor.corp.local", 8080), ("fd00::1", 443), ("10.0.0.6", 5000)):
        with pytest.raises(BlockedDestination):
            guard.check_host(host, port=port)


async def test_a_name_is_checked_by_the_addresses_it_has(
    elsewhere: FaultyRegistry, open_repository, monkeypatch
) -> None:
    _resolve(monkeypatch, {"registry.example.com": ["127.0.0.1"]})
    repository = await open_repository(f"registry.example.com:{_port(elsewhere)}", guard=EgressGuard())
    with pytest.raises(BlockedDestination, match=r"registry\.example\.com") as caught:
        await repository.list_tags()
    assert "127" not in str(caught.value)
    assert caught.value.side is Side.SOURCE


async def test_the_connection_goes_to_the_address_that_was_checked(
    source_registry: FaultyRegistry, open_repository, monkeypatch
) -> None:
    source_registry.repository("library/app")
    guard = EgressGuard(allowed_hosts=[source_registry.address])
    asked = _resolve(monkeypatch, {"registry.example.com": ["127.0.0.1"]}, afterwards="127.0.0.2")
    repository = await open_repository(f"registry.example.com:{_port(source_registry)}", guard=guard)
    assert await repository.list_tags() == []
    assert asked == ["registry.example.com"]


async def test_an_allowed_name_is_reached(source_registry: FaultyRegistry, open_repository) -> None:
    source_registry.repository("library/app")
    guard = EgressGuard(allowed_hosts=["LOCALHOST"])
    assert await (await open_repository(f"localhost:{_port(source_registry)}", guard=guard)).list_tags() == []


async def test_a_token_realm_passes_the_guard_too(
    source_registry: FaultyRegistry, elsewhere: FaultyRegistry, open_repository
) -> None:
    for realm in ("http://169.254.169.254/latest", f"{elsewhere.url}/token"):
        source_registry.switches.login = Login(realm=realm, anonymous=True)
        await _refuse(source_registry, open_repository)


async def test_a_redirect_passes_the_guard_too(
    source_registry: FaultyRegistry, elsewhere: FaultyRegistry, open_repository
) -> None:
    for address in ("http://169.254.169.254/latest/meta-data", f"{elsewhere.url}/v2/library/app/tags/list"):
        source_registry.fail("GET", "/tags/", status=307, headers={"Location": address})
        await _refuse(source_registry, open_repository)


async def test_the_storage_behind_blobs_passes_the_guard_too(
    source_registry: FaultyRegistry, elsewhere: FaultyRegistry, open_repository
) -> None:
    source_registry.switches.blob_redirect = elsewhere.url
    source_registry.repository("library/app").blobs[CONTENT.digest] = b"content"
    repository = await open_repository(
        source_registry.address, guard=EgressGuard(allowed_hosts=[source_registry.address])
    )
    with pytest.raises(BlockedDestination):
        async for _ in repository.open_blob(CONTENT):
            pass


async def test_a_further_page_of_a_list_is_asked_from_the_registry_whatever_its_link_says(
    source_registry: FaultyRegistry, elsewhere: FaultyRegistry, open_repository
) -> None:
    source_registry.repository("library/app")
    link = {"Link": f'<{elsewhere.url}/v2/library/app/tags/list?last=v1>; rel="next"'}
    source_registry.fail("GET", "/tags/", status=200, headers=link, body=b'{"name": "library/app", "tags": ["v1"]}')
    guard = EgressGuard(allowed_hosts=[source_registry.address])
    assert await (await open_repository(source_registry.address, guard=guard)).list_tags() == ["v1"]


async def test_a_link_that_is_no_path_leads_to_no_other_host(
    source_registry: FaultyRegistry, elsewhere: FaultyRegistry, open_repository
) -> None:
    # Behind `http://registry` it would make another host of it: `http://registry@elsewhere`.
    link = {"Link": f'<x:@{elsewhere.address}/v2/library/app/tags/list>; rel="next"'}
    for path, body in (("/tags/", b'{"tags": ["v1"]}'), ("/referrers/", b'{"schemaVersion": 2, "manifests": []}')):
        source_registry.fail("GET", path, status=200, headers=link, body=body)
    repository = await open_repository(source_registry.address)
    with pytest.raises(MalformedAnswer, match="address that cannot be read"):
        await repository.list_tags()
    with pytest.raises(MalformedAnswer, match="address that cannot be read"):
        await repository.list_referrers(CONTENT.digest)


async def test_an_upload_address_passes_the_guard_too(
    target_registry: FaultyRegistry, elsewhere: FaultyRegistry, open_repository
) -> None:
    address = f"{elsewhere.url}/v2/library/app/blobs/uploads/1"
    target_registry.fail("POST", "/uploads/", status=202, headers={"Location": address})
    repository = await open_repository(
        target_registry.address, guard=EgressGuard(allowed_hosts=[target_registry.address])
    )
    with pytest.raises(BlockedDestination):
        await repository.push_blob(CONTENT, in_memory(b"content"))


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://user:planted@127.0.0.1/x"])
async def test_an_allowed_host_does_not_free_other_schemes_or_user_names(
    address: str, source_registry: FaultyRegistry, open_repository
) -> None:
    source_registry.fail("GET", "/tags/", status=307, headers={"Location": address})
    repository = await open_repository(source_registry.address, guard=EgressGuard(allowed_hosts=[LOOPBACK]))
    with pytest.raises((BlockedDestination, MalformedAnswer)) as caught:
        await repository.list_tags()
    assert "planted" not in str(caught.value)


async def _refuse(registry: FaultyRegistry, open_repository) -> None:
    """The registry itself is allowed, and nothing else of this machine."""
    repository = await open_repository(registry.address, guard=EgressGuard(allowed_hosts=[registry.address]))
    with pytest.raises(BlockedDestination) as caught:
        await repository.list_tags()
    assert caught.value.side is Side.SOURCE


def _port(registry: FaultyRegistry) -> int:
    return int(registry.address.partition(":")[2])


def _resolve(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, list[str]], *, afterwards: str | None = None
) -> list[str]:
    """Let the system's resolver answer these names, from the second time on with another address; gives its names."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *arguments: int, **options: int) -> list[tuple[object, ...]]:
        if host not in names:
            return real(host, port, *arguments, **options)  # type: ignore[return-value]
        asked.append(host)
        addresses = [afterwards] if afterwards and len(asked) > 1 else names[host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked
