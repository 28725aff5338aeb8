"""Takes secrets out of text that people will read."""

from __future__ import annotations

import re

MASK = "********"
# Up to the last @, whatever stands between: people write passwords with / and @ in them as they are.
# Not `(...)?+` for the scheme: Python 3.11.2, which is Debian 12's, loses the group after a possessive one.
_USERINFO = re.compile(
    r"^(?P<scheme>[a-z][a-z0-9+.-]*://|(?![a-z][a-z0-9+.-]*://))(?P<user>[^:]*):.*@", re.IGNORECASE | re.DOTALL
)


def without_password(url: str | None) -> str | None:
    """The URL with the password of its userinfo masked; a URL without a scheme may have userinfo too."""
    if not url or "@" not in url:
        return url
    return _USERINFO.sub(lambda match: f"{match['scheme']}{match['user']}:{MASK}@", url)
