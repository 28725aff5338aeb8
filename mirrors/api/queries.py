"""Reading the query where Quay is lenient: what cannot be read counts as not given."""

from __future__ import annotations

from rest_framework.request import Request

LARGEST = 10**12
"""What times a page's length databases still count to."""
_FALSE = frozenset({"", "0", "false", "null"})


def lenient_number(
    request: Request, name: str, *, default: int, minimum: int = 1, maximum: int = LARGEST, clamps: bool = False
) -> int:
    """A number of the query; `maximum` for a larger one, the default for what is none.

    For one below the minimum the default, or with clamps the minimum.
    """
    text = request.query_params.get(name, "").strip()
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return default
    if text.startswith("-") or int(text[:13]) < minimum:
        return minimum if clamps else default
    return min(int(text[:13]), maximum)


def flag(request: Request, name: str) -> bool:
    """Whether the query has it, and not as one of Quay's words for no."""
    return request.query_params.get(name, "").strip().lower() not in _FALSE
