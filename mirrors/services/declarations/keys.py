"""How each key of a spec is read, compared and shown.

A value is read into the form in which it is compared with what is stored: seconds, an aware time, a list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mirrors.errors import InvalidInput
from mirrors.oci.redaction import without_password
from mirrors.services.mirroring.intervals import interval_text, parse_interval

DATE_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
MASK = "********"


@dataclass(frozen=True)
class Key:
    """One key. read: raises InvalidInput without the key's name. show: as a document has it.

    tell: as a difference has it, nothing secret in it. is_secret: its value may come from a Secret.
    """

    read: Callable[[Any], Any]
    show: Callable[[Any], Any] = lambda value: value
    tell: Callable[[Any], Any] | None = None
    is_secret: bool = False

    def told(self, value: Any) -> Any:
        """The value for a difference."""
        return None if value is None else (self.tell or self.show)(value)


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInput("must be text: put it in quotes.")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidInput("has a character that cannot be stored.")
    return value


def _read_optional(value: Any) -> str | None:
    return None if value is None else _read_text(value) or None


def _read_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput("must be true or false.")
    return value


def _read_duration(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise InvalidInput("must be a time such as 30m, 6h or 2d, or a number of seconds.")
    if isinstance(value, int):
        return value
    try:
        return parse_interval(value)
    except InvalidInput as error:
        raise InvalidInput("must be a time such as 30m, 6h or 2d, or a number of seconds.") from error


def _read_moment(value: Any) -> datetime:
    try:
        return datetime.strptime(_read_text(value), DATE_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidInput("must be a time in UTC such as 2026-04-27T13:00:00Z.") from error


def _show_moment(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"  # strftime has no year 0001


def _read_texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise InvalidInput("must be a list.")
    for position, element in enumerate(value):
        try:
            _read_text(element)
        except InvalidInput as error:
            raise InvalidInput(f"element {position + 1} {error.message}") from error
    return list(value)


text = Key(_read_text)
optional_text = Key(_read_optional)
boolean = Key(_read_boolean)
optional_boolean = Key(lambda value: None if value is None else _read_boolean(value))
duration = Key(_read_duration, show=interval_text)
optional_duration = Key(lambda value: None if value is None else _read_duration(value), show=interval_text)
moment = Key(_read_moment, show=_show_moment)
texts = Key(_read_texts)
secret = Key(_read_optional, tell=lambda value: MASK, is_secret=True)
proxy = Key(_read_optional, tell=without_password, is_secret=True)


def choice(*choices: str) -> Key:
    """One of these words."""

    def read(value: Any) -> str:
        if value not in choices:
            raise InvalidInput(f"must be {' or '.join(choices)}.")
        return str(value)

    return Key(read)


def table(columns: Mapping[str, Key], *, required: tuple[str, ...]) -> Key:
    """A list of objects with these keys; compared without regard to their order."""

    def read_row(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or not all(name in value for name in required):
            raise InvalidInput(f"must be a list of objects with {', '.join(required)}.")
        unknown = sorted(set(map(str, value)) - set(columns))
        if unknown:
            raise InvalidInput(f"has an unknown key, {unknown[0][:50]}. Known: {', '.join(columns)}.")
        return {name: columns[name].read(value[name]) for name in columns if name in value}

    def read(value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list):
            raise InvalidInput("must be a list.")
        return sorted((read_row(row) for row in value), key=lambda row: str(sorted(row.items())))

    return Key(read)
