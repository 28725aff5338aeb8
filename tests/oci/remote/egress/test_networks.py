from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirrors.oci import EgressPolicy
from mirrors.oci.remote.egress.networks import is_permitted_address, is_permitted_name, literal_address

STRICT, PRIVATE_ALLOWED = EgressPolicy.STRICT, EgressPolicy.PRIVATE_ALLOWED

PUBLIC = ["8.8.8.8", "99.255.255.255", "172.32.0.1", "192.1.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1"]
OF_PRIVATE_NETWORKS = [
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "fc00::1",
    "fd12:3456::1",
    "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.169.254",
    "169.254.170.23",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "100.100.100.200",
    "168.63.129.16",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:100.100.100.200",
    "64:ff9b::127.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001:db8::1",
    "2001::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "4000::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_permitted(address: str) -> None:
    for policy in EgressPolicy:
        assert is_permitted_address(ipaddress.ip_address(address), policy=policy)


@pytest.mark.parametrize("address", OF_PRIVATE_NETWORKS)
def test_addresses_of_private_networks_are_permitted_where_the_policy_says_so(address: str) -> None:
    assert not is_permitted_address(ipaddress.ip_address(address), policy=STRICT)
    assert is_permitted_address(ipaddress.ip_address(address), policy=PRIVATE_ALLOWED)


@pytest.mark.parametrize("address", NEVER)
def test_loopback_link_local_metadata_and_reserved_addresses_never_are(address: str) -> None:
    for policy in EgressPolicy:
        assert not is_permitted_address(ipaddress.ip_address(address), policy=policy)


def test_nat64_of_a_public_address_is_for_private_networks_which_have_it() -> None:
    address = ipaddress.ip_address("64:ff9b::8.8.8.8")
    assert not is_permitted_address(address, policy=STRICT)
    assert is_permitted_address(address, policy=PRIVATE_ALLOWED)


@given(st.ip_addresses())
def test_whatever_is_not_globally_routable_is_refused(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_link_local:
        assert not is_permitted_address(address, policy=STRICT)
    if is_permitted_address(address, policy=STRICT):
        assert is_permitted_address(address, policy=PRIVATE_ALLOWED)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_never_freer_than_the_one_in_it(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.ip_address(f"::ffff:{address}")
    assert not is_permitted_address(mapped, policy=STRICT)
    assert is_permitted_address(mapped, policy=PRIVATE_ALLOWED) is is_permitted_address(address, policy=PRIVATE_ALLOWED)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "localhost",
        "app.localhost",
        "metadata",
        "metadata.google.internal",
        "metadata.azure.internal",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ],
)
def test_names_of_metadata_services_of_kubernetes_and_of_this_machine_are_never_permitted(name: str) -> None:
    for policy in EgressPolicy:
        assert not is_permitted_name(name, policy=policy)


@pytest.mark.parametrize("name", ["registry.corp.local", "registry.apps.svc.cluster.local", "harbor.eu.internal"])
def test_local_and_internal_names_are_for_private_networks(name: str) -> None:
    assert not is_permitted_name(name, policy=STRICT)
    assert is_permitted_name(name, policy=PRIVATE_ALLOWED)


@pytest.mark.parametrize("name", ["quay.io", "internal.example.com", "local", "metadata.example.com", "localhost.io"])
def test_other_names_are_permitted(name: str) -> None:
    assert is_permitted_name(name, policy=STRICT)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.1", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("2852039166", "169.254.169.254"),
        ("0251.0376.0251.0376", "169.254.169.254"),
        ("fe80::1%eth0", "fe80::1"),
        ("quay.io", None),
        ("1.2.3.4.5", None),
    ],
)
def test_an_address_is_recognized_in_every_spelling_that_a_resolver_takes(host: str, address: str | None) -> None:
    found = literal_address(host)
    assert (str(found) if found else None) == address
