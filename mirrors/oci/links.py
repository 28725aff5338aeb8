"""`Link` headers (RFC 8288), as registries page their lists with them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[^\s=;,"<>]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"<>]*))?)*)')
_PARAMETER = re.compile(r';\s*([^\s=;,"<>]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"<>]*)))?')


def next_link(values: Iterable[str]) -> str | None:
    """The address with the relation `next`, as it stands there, or None."""
    for value in values:
        for address, parameters in _LINK.findall(value):
            for name, quoted, plain in _PARAMETER.findall(parameters):
                if name.lower() == "rel" and "next" in (quoted or plain).lower().split():
                    return str(address)
    return None
