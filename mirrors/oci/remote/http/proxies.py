"""Which proxy a request takes: `http_proxy`, `https_proxy` and `no_proxy` as curl, Go and skopeo read them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from yarl import URL

from mirrors.oci.endpoint import Endpoint
from mirrors.oci.errors import Side, Unsupported
from mirrors.oci.remote.auth.authorizer import basic_authorization


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy without its password, and the header that has it."""

    url: URL
    headers: dict[str, str] | None = field(default=None, repr=False)


def proxy_for(url: URL, *, endpoint: Endpoint, side: Side) -> Proxy | None:
    """The proxy to take for this URL, or None for a direct connection; raises Unsupported if the setting is no URL."""
    setting = endpoint.https_proxy if url.scheme == "https" else endpoint.http_proxy
    if not setting or bypasses_proxy(url, no_proxy=endpoint.no_proxy or ""):
        return None
    try:
        proxy = URL(setting if "://" in setting else f"http://{setting}")
        authorization = basic_authorization(proxy.user, proxy.password or "") if proxy.user else None
        valid = proxy.scheme in {"http", "https"} and bool(proxy.host)
    except ValueError:
        valid = False
    if not valid:
        # The setting may hold a password: it is not repeated.
        raise Unsupported(
            f"The {url.scheme} proxy of the {side} is no http:// or https:// URL. Correct its proxy settings.",
            side=side,
        )
    if authorization is None:
        return Proxy(proxy)
    return Proxy(proxy.with_user(None).with_password(None), {"Proxy-Authorization": authorization})


def bypasses_proxy(url: URL, *, no_proxy: str) -> bool:
    """Whether `no_proxy` names the host: `*`, a name with its subdomains, an address or CIDR; a port narrows it."""
    host, port = (url.host or "").lower(), url.port
    if host == "localhost" or _is_loopback(host):
        return True  # as Go does, and so skopeo
    for entry in filter(None, (part.strip().lower() for part in no_proxy.split(","))):
        if entry == "*":
            return True
        name, colon, entry_port = entry.rpartition(":")
        if colon and entry_port.isdigit() and not (":" in name and not name.endswith("]")):
            if int(entry_port) != port:
                continue
            entry = name
        if _names_host(entry.strip("[]"), host):
            return True
    return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _names_host(entry: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        suffix = entry.lstrip("*").lstrip(".")
        return host == suffix or host.endswith(f".{suffix}")
