"""Addresses that registries hand out: `Link` headers (RFC 8288), with which they page their lists, and others."""

from __future__ import annotations

import re
from collections.abc import Iterable

from yarl import URL

_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[^\s=;,"<>]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"<>]*))?)*)')
_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_PARAMETER = re.compile(r';\s*([^\s=;,"<>]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"<>]*)))?')


def next_link(values: Iterable[str]) -> str | None:
    """The address with the relation `next`, as it stands there, or None."""
    for value in values:
        for address, parameters in _LINK.findall(value):
            for name, quoted, plain in _PARAMETER.findall(parameters):
                if name.lower() == "rel" and "next" in (quoted or plain).lower().split():
                    return str(address)
    return None


def is_usable(url: URL) -> bool:
    """Whether it is http(s), has a host that a resolver takes and a port in range, and no user name in it.

    Hosts have no other characters than names and addresses: what full-width digits or `%2e` mean, guard, resolver and
    proxy might read in two ways.
    """
    try:
        host, _ = url.host or "", url.port
    except ValueError:
        return False
    labels = host.removesuffix(".").split(".")
    return (
        url.scheme in {"http", "https"}
        and _HOST.fullmatch(host) is not None
        and all(0 < len(label) < 64 for label in labels)
        and url.raw_user is None
        and url.raw_password is None
    )
