"""How an endpoint's method is described, beside the method itself: the OpenAPI document is made of nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from mirrors.api.bodies import Field, object_of

Method = TypeVar("Method", bound=Callable[..., Any])
Schema = Mapping[str, Any]
"""JSON Schema, of the dialect of 2020-12."""

NOTHING: Schema = {"type": "string", "enum": [""]}
"""The empty string that Quay answers a change with."""
SUCCESS: Schema = {
    "type": "object",
    "properties": {"success": {"type": "boolean"}},
    "required": ["success"],
    "additionalProperties": False,
}
STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER: Schema = {"type": "integer"}
MAIL_DATE: Schema = {
    "type": "string",
    "pattern": r"^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d -0000$",
    "examples": ["Thu, 02 Jan 2020 06:30:00 -0000"],
}
DATE: Schema = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$",
    "examples": ["2020-01-02T06:30:00Z"],
}
EVENT_STREAM: Schema = {"type": "string", "contentMediaType": "text/event-stream"}
"""Server-sent events."""
_DESCRIBED = "operation"


@dataclass(frozen=True)
class Operation:
    """One method of one address, as `operation` was given it; `body` is the JSON Schema of what is sent."""

    nickname: str
    answers: Mapping[int, Schema | None]
    errors: Collection[int]
    body: Schema | None
    body_required: bool
    query: Mapping[str, tuple[Schema, str]]
    ours: bool
    example: Any


def answer(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with exactly these keys, the optional ones perhaps missing."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def array(schema: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": schema}


def or_null(schema: Schema) -> Schema:
    """null, or this."""
    return {"anyOf": [schema, {"type": "null"}]}


def operation(
    nickname: str,
    *,
    answers: Mapping[int, Schema | None],
    errors: Collection[int] = (),
    fields: Mapping[str, Field] | None = None,
    required: Collection[str] = (),
    optional_body: bool = False,
    body: Schema | None = None,
    query: Mapping[str, tuple[Schema, str]] | None = None,
    ours: bool = False,
    example: Any = None,
) -> Callable[[Method], Method]:
    """Describe a method of an Endpoint; its docstring is what it does.

    nickname: Quay's own where there is one, else ours. answers: the bodies of success by status, None for an empty one.
    errors: statuses of ApiError besides those that `documents.schema` knows: 401 and 403, of a body 400 and 415.
    fields, required: of the body, the same objects that `read_object` is given; body: of one that is no JSON object.
    query: schema and meaning of each parameter. ours: not in Quay. example: a body that works.
    """
    described = Operation(
        nickname=nickname,
        answers=answers,
        errors=errors,
        body=body if fields is None else object_of(fields, required=required).schema,
        body_required=not optional_body,
        query=query or {},
        ours=ours,
        example=example,
    )

    def describe(method: Method) -> Method:
        setattr(method, _DESCRIBED, described)
        return method

    return describe


def operation_of(method: Callable[..., Any] | None) -> Operation | None:
    """What `operation` has said of this method, None where nothing has."""
    return getattr(method, _DESCRIBED, None)
