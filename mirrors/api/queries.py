"""Reading a request's query."""

from __future__ import annotations

from rest_framework.request import Request

from mirrors.api.errors import InvalidRequest

FALSE = frozenset({"", "0", "false", "null"})
LARGEST = 10**12
"""Times the length of a page it is still a number that databases know."""


def is_true(request: Request, name: str, *, default: bool = False) -> bool:
    """Whether a parameter is given and not one of Quay's words for no, in whatever case."""
    value = request.query_params.get(name)
    return default if value is None else value.strip().lower() not in FALSE


def read_word(request: Request, name: str) -> str:
    """A text, "" where it is missing."""
    word: str = request.query_params.get(name, "")
    if "\0" in word:  # PostgreSQL takes none, not even to look for it
        raise InvalidRequest(f"{name} in the query has a character that no name has.")
    return word


def lenient_number(
    request: Request, name: str, *, default: int, minimum: int = 1, maximum: int = LARGEST, clamps: bool = False
) -> int:
    """A number, where Quay takes the default for what is none; `maximum` for a larger one.

    For one below the minimum the default, or with clamps the minimum.
    """
    text = request.query_params.get(name, "").strip()
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return default
    if text.startswith("-") or int(text[:13]) < minimum:
        return minimum if clamps else default
    return min(int(text[:13]), maximum)
