"""The egress guard: which hosts and addresses a registry, a redirect or a token realm may be at.

A name is resolved once, every address it has is checked, and the connection goes to one of those checked addresses:
a second answer of the DNS server cannot lead it elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from mirrors.oci.errors import BlockedDestination

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

DEFAULT_BLOCKED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # "this host": Linux connects to itself
        "169.254.0.0/16",  # link-local, with the metadata services of the clouds
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fe80::/10",
        "fd00:ec2::254/128",  # the metadata service of EC2
        "ff00::/8",
    )
)
METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.azure.internal", "instance-data"})
"""Refused by name too: behind a proxy it is the proxy that resolves them."""

_NAT64 = IPv6Network("64:ff9b::/96")


class EgressGuard:
    """Refuses addresses in the blocked networks, unless the host or a network around it is allowed.

    allowed_hosts: host names and CIDRs; either lifts the block.
    """

    def __init__(
        self, *, blocked_networks: Sequence[Network] = DEFAULT_BLOCKED, allowed_hosts: Sequence[str] = ()
    ) -> None:
        self._blocked = tuple(blocked_networks)
        self._allowed_networks = tuple(_networks(allowed_hosts))
        self._allowed_names = frozenset(name.strip().rstrip(".").lower() for name in allowed_hosts)

    def check_host(self, host: str) -> None:
        """Raise BlockedDestination for a refused name or literal address; other names are checked when resolved."""
        name = host.strip("[]").rstrip(".").lower()
        if name in self._allowed_names:
            return
        if name in METADATA_NAMES:
            raise _blocked(name)
        address = literal_address(name)
        if address is not None:
            self.check_address(address, host=name)

    def check_address(self, address: Address, *, host: str) -> None:
        """Raise BlockedDestination where this address of the host may not be connected to."""
        if host.strip("[]").rstrip(".").lower() in self._allowed_names:
            return
        forms = tuple(_forms(address))
        if _inside(forms, self._allowed_networks):
            return
        if _inside(forms, self._blocked):
            raise _blocked(host)


class CheckedResolver(AbstractResolver):
    """The system's resolver; every address it gives has passed the guard."""

    def __init__(self, guard: EgressGuard | None) -> None:
        self._guard = guard
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Every address of the host; raises BlockedDestination if any of them is refused, OSError if there is none."""
        results = await self._resolver.resolve(host, port, family)
        if self._guard is not None:
            for result in results:
                self._guard.check_address(ipaddress.ip_address(result["host"].partition("%")[0]), host=host)
        return results

    async def close(self) -> None:
        """Nothing is held open."""
        await self._resolver.close()


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


def _forms(address: Address) -> Iterable[Address]:
    yield address
    if isinstance(address, IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if embedded is not None:
            yield embedded
        elif address in _NAT64:
            yield IPv4Address(int(address) & 0xFFFFFFFF)


def _inside(addresses: Iterable[Address], networks: Sequence[Network]) -> bool:
    return any(address in network for address in addresses for network in networks)


def _networks(texts: Iterable[str]) -> Iterable[Network]:
    for text in texts:
        try:
            yield ipaddress.ip_network(text.strip().strip("[]"), strict=False)
        except ValueError:
            continue  # a host name


def _blocked(host: str) -> BlockedDestination:
    # The address itself is not told: the answer must not map the network behind this farm.
    return BlockedDestination(
        f"{host} is at an address this farm may not connect to. Ask its administrator to allow that host."
    )
