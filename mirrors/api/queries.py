"""Reading a request's query."""

from __future__ import annotations

from collections.abc import Collection

from rest_framework.request import Request

from mirrors.api.errors import InvalidRequest

FALSE = frozenset({"", "0", "false", "null"})
LARGEST = 10**12
"""Times the length of a page it is still a number that databases know."""


def is_true(request: Request, name: str, *, default: bool = False) -> bool:
    """Whether a parameter is given and not one of Quay's words for no, in whatever case."""
    value = request.query_params.get(name)
    return default if value is None else value.strip().lower() not in FALSE


def read_text(request: Request, name: str) -> str:
    """A text, "" where it is missing."""
    text: str = request.query_params.get(name, "")
    if "\0" in text:  # PostgreSQL takes none, not even to look for it
        raise InvalidRequest(f"{name} in the query has a character that no name has.")
    return text


def read_choice(request: Request, name: str, choices: Collection[str]) -> str:
    """One of these words, "" where none is given."""
    word: str = request.query_params.get(name, "")
    if word and word not in choices:
        raise InvalidRequest(f"{name} in the query must be one of {', '.join(choices)}.")
    return word


def read_flag(request: Request, name: str) -> bool | None:
    """true or false, None where it is not given; for parameters that are ours. Quay's are read by `is_true`."""
    word = request.query_params.get(name, "").lower()
    if word not in ("", "true", "false"):
        raise InvalidRequest(f"{name} in the query must be true or false.")
    return word == "true" if word else None


def read_number(request: Request, name: str, *, default: int, maximum: int | None = None, signed: bool = False) -> int:
    """A number, 1 or more; a larger one than `maximum` counts as that. signed: or -1 or less."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    digits = text.removeprefix("-") if signed else text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18 and int(digits)):
        raise InvalidRequest(f"{name} in the query must be a whole number, {'not 0' if signed else '1 or more'}.")
    return min(int(text), maximum) if maximum else int(text)


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
