"""Which names and addresses a registry may have: pure rules, nothing is looked up.

Source of the strict lists: Quay's protection against server-side request forgery (util/security/ssrf.py), and the
IANA registries of special-purpose addresses.
"""

from __future__ import annotations

import ipaddress
import socket
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class EgressPolicy(StrEnum):
    """strict: public addresses alone. private-allowed: those of private networks too; still no loopback, link-local
    or metadata service."""

    STRICT = "strict"
    PRIVATE_ALLOWED = "private-allowed"


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


SPECIAL = _networks(
    "0.0.0.0/8",  # "this host": Linux connects to itself
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",  # link-local, with the metadata services of the clouds
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "::ffff:0:0/96",
    "64:ff9b::/96",
    "100::/64",
    "2001:db8::/32",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
)
PRIVATE = _networks("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
METADATA = _networks(
    "100.100.100.200/32",  # Alibaba Cloud, among the addresses of carriers
    "168.63.129.16/32",  # Azure's WireServer, a public address that only its machines reach
    "fd00:ec2::/32",  # AWS
    "fd20:ce::254/128",  # Google Cloud
)
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")

# Refused by name too: behind a proxy it is the proxy that resolves them.
_LOCAL_SUFFIXES = (".internal", ".local")
SERVICE_NAMES = frozenset(
    {
        "metadata",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.azure.internal",
        "instance-data",
        "instance-data.ec2.internal",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    }
)
"""Of the clouds and of Kubernetes, where no registry is: an allowed network does not free them as it does others."""


def is_permitted_name(name: str, *, policy: EgressPolicy) -> bool:
    """Whether a host may have this name. name: in lower case, without a dot at the end."""
    if not name or name in SERVICE_NAMES or f".{name}".endswith(".localhost"):
        return False
    return policy is EgressPolicy.PRIVATE_ALLOWED or not name.endswith(_LOCAL_SUFFIXES)


def is_permitted_address(address: Address, *, policy: EgressPolicy) -> bool:
    """Whether it is a public unicast address or, where the policy allows that, one of a private network."""
    if is_inside(address, METADATA):
        return False
    embedded = embedded_address(address)
    if policy is EgressPolicy.PRIVATE_ALLOWED:
        if is_inside(address, PRIVATE):
            return True
        if embedded is not None and is_inside(address, SPECIAL):  # another way to write, or to reach, that IPv4 host
            return is_permitted_address(embedded, policy=policy)
    if embedded is not None and not is_permitted_address(embedded, policy=policy):
        return False
    return _is_public(address)


def embedded_address(address: Address) -> IPv4Address | None:
    """The IPv4 address that packets to this IPv6 address end at: mapped, NAT64, 6to4 and Teredo."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def is_inside(address: Address, networks: tuple[Network, ...]) -> bool:
    """Whether one of the networks holds the address as it is written."""
    return any(address in network for network in networks)


def literal_address(host: str) -> Address | None:
    """The address that a host is, in any spelling a resolver takes (`127.1`, `0x7f000001`, `2130706433`), or None."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_IPV6:
        return False
    return address.is_global and not address.is_multicast and not is_inside(address, SPECIAL)
