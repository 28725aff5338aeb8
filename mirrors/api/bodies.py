"""Reading a request's JSON: checks that give the value or raise InvalidRequest, which never repeats the value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request

from mirrors.api.errors import NOT_UNDERSTOOD, InvalidRequest, NotJSON


@dataclass(frozen=True)
class Field:
    """How one value of a body is read, and how JSON Schema describes it.

    check: the value and its name in; the value, perhaps of another type, out.
    """

    check: Callable[[Any, str], Any]
    schema: Mapping[str, Any]

    def __call__(self, value: Any, name: str) -> Any:
        """The checked value; raises InvalidRequest."""
        return self.check(value, name)


LONGEST_OBJECT = 64 * 1024
DEEPEST_OBJECT = 20
JSON_TYPE = re.compile(r"\s*application/([^;\s]+\+)?json\s*(;|$)", re.IGNORECASE)
NOT_JSON = "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."


def read_object(request: Request, fields: Mapping[str, Field], *, required: Collection[str] = ()) -> dict[str, Any]:
    """The checked fields of the body, which must be a JSON object. Unknown keys are left out."""
    checked: dict[str, Any] = object_of(fields, required=required)(_json_of(request), "")
    return checked


def read_array(request: Request, field: Field) -> list[Any]:
    """The checked body of the routes where it is a JSON array; `field` is one of `array_of`."""
    checked: list[Any] = field(_json_of(request), "The body")
    return checked


def read_optional_object(request: Request, fields: Mapping[str, Field]) -> dict[str, Any]:
    """The same for routes that need no body: an empty one, whatever its Content-Type, is an empty object."""
    return read_object(request, fields) if request.body.strip() else {}


def _boolean(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidRequest(f"{name} must be true or false.")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be a string.")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidRequest(f"{name} has a character that cannot be stored.")
    return value


boolean = Field(_boolean, {"type": "boolean"})
"""true or false."""
text = Field(_text, {"type": "string"})
"""A string that every database can hold."""


def _any_object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequest(f"{name} must be a JSON object.")
    _check_storable(value, name, depth=0)
    if len(json.dumps(value)) > LONGEST_OBJECT:
        raise InvalidRequest(f"{name} may have {LONGEST_OBJECT} characters at most.")
    return value


def _check_storable(value: Any, name: str, *, depth: int) -> None:
    if depth > DEEPEST_OBJECT:
        raise InvalidRequest(f"{name} is nested deeper than {DEEPEST_OBJECT} levels.")
    if isinstance(value, str):
        _text(value, name)
    elif isinstance(value, dict | list):
        parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        for part in parts:
            _check_storable(part, name, depth=depth + 1)


any_object = Field(_any_object, {"type": "object"})
"""An object of any keys, that every database can hold."""


def integer(*, minimum: int, maximum: int | None = None) -> Field:
    """A whole number; 100.0 is one, true is not."""

    def check(value: Any, name: str) -> int:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or value != value // 1:
            raise InvalidRequest(f"{name} must be an integer.")
        if value < minimum:
            raise InvalidRequest(f"{name} must be at least {minimum}.")
        if maximum is not None and value > maximum:
            raise InvalidRequest(f"{name} must be at most {maximum}.")
        return int(value)

    bounds = {"minimum": minimum} | ({} if maximum is None else {"maximum": maximum})
    return Field(check, {"type": "integer", **bounds})


def nullable(field: Field) -> Field:
    """null, or what `field` accepts."""
    return Field(
        lambda value, name: None if value is None else field(value, name), {"anyOf": [field.schema, {"type": "null"}]}
    )


def one_of(*choices: str) -> Field:
    """One of these strings."""

    def check(value: Any, name: str) -> str:
        if not isinstance(value, str) or value not in choices:
            raise InvalidRequest(f"{name} must be {' or '.join(choices)}.")
        return value

    return Field(check, {"type": "string", "enum": list(choices)})


def array_of(field: Field) -> Field:
    """An array, each element checked."""

    def check_array(value: Any, name: str) -> list[Any]:
        if not isinstance(value, list):
            raise InvalidRequest(f"{name} must be an array.")
        return [field(element, f"{name}[{position}]") for position, element in enumerate(value)]

    return Field(check_array, {"type": "array", "items": field.schema})


def object_of(fields: Mapping[str, Field], *, required: Collection[str] = ()) -> Field:
    """An object, its known fields checked and the others left out."""

    def check(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InvalidRequest(f"{name or 'The body'} must be a JSON object.")
        missing = [field for field in required if field not in value]
        if missing:
            raise InvalidRequest(f"'{missing[0]}' is a required property" + (f" of {name}" if name else ""))
        prefix = f"{name}." if name else ""
        return {field: fields[field](given, prefix + field) for field, given in value.items() if field in fields}

    schema: dict[str, Any] = {"type": "object", "properties": {name: field.schema for name, field in fields.items()}}
    return Field(check, schema | ({"required": list(required)} if required else {}))


def _json_of(request: Request) -> Any:
    if not JSON_TYPE.match(request.content_type or ""):
        raise NotJSON(NOT_JSON)
    value = _parsed(request.body)
    if value is None:
        raise InvalidRequest("Missing JSON body")
    return value


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        # Never the parser's own text: it may hold a part of the body.
        raise InvalidRequest(NOT_UNDERSTOOD, detail="The body is not valid JSON.") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
