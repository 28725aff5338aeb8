"""`Link` headers (RFC 8288), as registries page their lists with them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[^\s=;,"<>]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"<>]*))?)*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))', re.IGNORECASE)


def next_link(values: Iterable[str]) -> str | None:
    """The address with the relation `next`, as it stands there, or None."""
    for value in values:
        for address, parameters in _LINK.findall(value):
            relation = _REL.search(parameters)
            if relation and "next" in (relation[1] or relation[2] or "").lower().split():
                return str(address)
    return None
