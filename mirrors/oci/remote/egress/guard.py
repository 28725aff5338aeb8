"""The egress guard: the one place that decides where a connection may go, to a registry or by its word.

A name is resolved once, every address it has is checked, and the connection goes to one of those checked addresses:
a second answer of the DNS server cannot lead it elsewhere.
"""

from __future__ import annotations

import copy
import ipaddress
import socket
from collections.abc import Hashable, Iterable, Sequence

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from mirrors.oci.errors import BlockedDestination
from mirrors.oci.remote.egress.allowances import Allowance
from mirrors.oci.remote.egress.networks import (
    SERVICE_NAMES,
    Address,
    EgressPolicy,
    Network,
    embedded_address,
    is_inside,
    is_permitted_address,
    is_permitted_name,
    literal_address,
)
from mirrors.oci.remote.http.links import is_usable
from mirrors.oci.remote.lookups import system_resolver


class EgressGuard:
    """Refuses what the policy does not permit and what is in the blocked networks, unless it is allowed.

    allowed_hosts: names, addresses and networks, each alone or with `:port`; ValueError for anything else. They lift
    every block of name and address, and never the rules about schemes and credentials in addresses.
    """

    def __init__(
        self,
        *,
        policy: EgressPolicy = EgressPolicy.STRICT,
        allowed_hosts: Iterable[str] = (),
        blocked_networks: Sequence[Network] = (),
    ) -> None:
        self._policy = policy
        self._allowances = tuple(Allowance.parse(text) for text in allowed_hosts)
        self._blocked = tuple(blocked_networks)
        self._passed: set[tuple[str, str, bool]] = set()  # a copy asks for the same host thousands of times

    @property
    def rules(self) -> Hashable:
        """Equal for two guards that permit the same."""
        return (self._policy, self._allowances, self._blocked)

    def trusting(self, *urls: str) -> EgressGuard:
        """The same guard, which lets connections to the hosts and ports of these addresses pass as well.

        An address that cannot be read frees nothing.
        """
        guard = copy.copy(self)
        guard._passed = set()
        guard._allowances += tuple(filter(None, map(Allowance.of_url, urls)))
        return guard

    def check_url(self, url: URL, *, by_proxy: bool = False) -> None:
        """Raise BlockedDestination unless it is http(s), without a user name in it, at a host that passes."""
        key = (url.scheme, url.raw_authority, by_proxy)
        if key in self._passed:
            return
        if not is_usable(url):
            raise BlockedDestination(
                "This farm connects to http:// and https:// addresses with a host and without a user name alone. "
                "Correct the address."
            )
        self.check_host(url.host or "", port=url.port, by_proxy=by_proxy)
        self._passed.add(key)

    def check_host(self, host: str, *, port: int | None = None, by_proxy: bool = False) -> None:
        """Raise BlockedDestination for a refused name or literal address; other names are checked when resolved.

        port: None while nobody knows it. by_proxy: the name will be resolved elsewhere, so that it alone decides.
        """
        name = _name(host)
        address = literal_address(name)
        if address is not None:
            self._check_addresses([address], name=name, port=port)
            return
        if self._allows_name(name, port=port) or is_permitted_name(name, policy=self._policy):
            return
        # An allowed network frees the names in it, as in Quay; but their addresses are not known yet.
        if by_proxy or name in SERVICE_NAMES or not self._networks_for(port):
            raise _blocked(name)

    def check_addresses(self, addresses: Iterable[str], *, host: str, port: int | None = None) -> None:
        """Raise BlockedDestination unless every one of the addresses that the host has may be connected to."""
        name = _name(host)
        try:
            parsed = [ipaddress.ip_address(address.partition("%")[0]) for address in addresses]
        except ValueError:
            raise _blocked(name) from None
        self._check_addresses(parsed, name=name, port=port)

    def _check_addresses(self, addresses: Sequence[Address], *, name: str, port: int | None) -> None:
        if self._allows_name(name, port=port):
            return
        networks = self._networks_for(port)
        freed = [any(network.holds(address) for network in networks) for address in addresses]
        if not all(free or self._permits(address) for free, address in zip(freed, addresses, strict=True)):
            raise _blocked(name)
        if literal_address(name) is not None or is_permitted_name(name, policy=self._policy):
            return
        if name in SERVICE_NAMES or not any(freed):
            raise _blocked(name)

    def _permits(self, address: Address) -> bool:
        embedded = embedded_address(address)
        if is_inside(address, self._blocked) or (embedded is not None and is_inside(embedded, self._blocked)):
            return False
        return is_permitted_address(address, policy=self._policy)

    def _allows_name(self, name: str, *, port: int | None) -> bool:
        return any(entry.name == name and entry.is_for(port) for entry in self._allowances)

    def _networks_for(self, port: int | None) -> list[Allowance]:
        return [entry for entry in self._allowances if entry.network is not None and entry.is_for(port)]


class CheckedResolver(AbstractResolver):
    """The system's resolver; every address it gives has passed the guard."""

    def __init__(self, guard: EgressGuard | None) -> None:
        self._guard = guard
        self._resolver = system_resolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Every address of the host; raises BlockedDestination if any of them is refused, OSError if there is none."""
        results = await self._resolver.resolve(host, port, family)
        if self._guard is not None:
            self._guard.check_addresses([result["host"] for result in results], host=host, port=port)
        return results

    async def close(self) -> None:
        """Nothing is held open."""
        await self._resolver.close()


def _name(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _blocked(host: str) -> BlockedDestination:
    # The address itself is not told: the answer must not map the network behind this farm.
    return BlockedDestination(
        f"{host} is at an address this farm may not connect to. "
        "Its administrator can allow that host: see SSRF_ALLOWED_HOSTS."
    )
