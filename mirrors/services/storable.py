"""Text from elsewhere, as every database can hold it."""

from __future__ import annotations

import re

LONGEST_MESSAGE = 4000
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str, *, longest: int = LONGEST_MESSAGE) -> str:
    """The text as every database can hold it: what registries send may have NUL, lone surrogates, or no end."""
    return _NOT_STORABLE.sub("\ufffd", text[:longest])
