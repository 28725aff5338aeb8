"""The entries of SSRF_ALLOWED_HOSTS: names, addresses and networks, each for every port or for one."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from yarl import URL

from mirrors.oci.remote.egress.networks import Address, Network, embedded_address, literal_address

_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_WITH_PORT = re.compile(r"(?P<host>.+):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Allowance:
    """One entry: a host's name or a network, and the port it is for; None is every port."""

    name: str | None
    network: Network | None
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Allowance:
        """`registry.corp.local`, `10.0.0.0/8`, `10.0.0.5:5000`, `[fd00::1]:443`; ValueError with a sentence."""
        whole = _host(text.strip(), port=None)
        if whole is not None:
            return whole
        match = _WITH_PORT.fullmatch(text.strip())
        if match and 0 < int(match["port"]) < 65536:
            narrowed = _host(match["host"], port=int(match["port"]))
            if narrowed is not None:
                return narrowed
        raise ValueError(
            f"{text!r} is no exact host name, address or network. Write it as registry.corp.local, 10.0.0.5 or "
            "10.0.0.0/8, and for one port alone as registry.corp.local:5000."
        )

    @classmethod
    def of_url(cls, url: str) -> Allowance | None:
        """The host and port of an address; None where it has none."""
        try:
            parsed = URL(url)
            return _host(parsed.host or "", port=parsed.port) if parsed.port else None
        except ValueError:
            return None

    def is_for(self, port: int | None) -> bool:
        """Whether it counts for this port; None is a port that nobody knows yet."""
        return None in (self.port, port) or self.port == port

    def holds(self, address: Address) -> bool:
        """Whether its network holds the address, or the IPv4 address that one stands for."""
        if self.network is None:
            return False
        embedded = embedded_address(address)
        return address in self.network or (embedded is not None and embedded in self.network)


def _host(text: str, *, port: int | None) -> Allowance | None:
    try:
        return Allowance(None, ipaddress.ip_network(text.strip("[]"), strict=False), port)
    except ValueError:
        pass
    address = literal_address(text)
    if address is not None:
        return Allowance(None, ipaddress.ip_network(address), port)
    name = text.rstrip(".").lower()
    return Allowance(name, None, port) if _NAME.fullmatch(name) else None
