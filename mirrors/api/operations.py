"""How an endpoint's method is described, beside the method itself: the OpenAPI document is made of nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from mirrors.api.bodies import Field, object_of

Method = TypeVar("Method", bound=Callable[..., Any])
Schema = Mapping[str, Any]
"""JSON Schema of a body."""

NOTHING: Schema = {"type": "string", "enum": [""]}
"""The empty string that Quay answers a change with."""
SUCCESS: Schema = {
    "type": "object",
    "properties": {"success": {"type": "boolean"}},
    "required": ["success"],
    "additionalProperties": False,
}
ERROR: Schema = {"$ref": "#/components/schemas/ApiError"}
JSON = "application/json"


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


STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER: Schema = {"type": "integer"}
MAIL_DATE: Schema = {"type": "string", "examples": ["Thu, 02 Jan 2020 06:30:00 -0000"]}
DATE: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}


def operation(
    nickname: str,
    *,
    answers: Mapping[int, Schema | None],
    errors: Collection[int] = (),
    fields: Mapping[str, Field] | None = None,
    required: Collection[str] = (),
    optional_body: bool = False,
    query: Mapping[str, tuple[Schema, str]] | None = None,
    ours: bool = False,
    example: Any = None,
) -> Callable[[Method], Method]:
    """Describe a method of an Endpoint; its docstring is what it does.

    nickname: Quay's own where there is one, else ours. answers: the bodies of success by status, None for an empty one.
    errors: statuses of ApiError besides 401 and 403, which every method with a scope has. fields, required: of the
    body, the same objects that `read_object` is given. query: schema and meaning of each parameter. ours: not in Quay.
    example: a body that works.
    """
    responses: dict[Any, Any] = {
        (status, JSON) if schema is not None else status: OpenApiResponse(
            response=dict(schema) if schema is not None else None, description=HTTPStatus(status).phrase
        )
        for status, schema in answers.items()
    }
    responses |= {
        (status, JSON): OpenApiResponse(response=dict(ERROR), description=HTTPStatus(status).phrase)
        for status in sorted(errors)
        if status not in answers
    }
    request = None if fields is None else {JSON: dict(object_of(fields, required=required).schema)}
    return extend_schema(
        operation_id=nickname,
        request=request,
        responses=responses,
        parameters=[
            OpenApiParameter(name, dict(schema), OpenApiParameter.QUERY, description=meaning)
            for name, (schema, meaning) in (query or {}).items()
        ],
        examples=[OpenApiExample(nickname, value=example, request_only=True)] if example is not None else None,
        extensions={"x-ours": True} if ours else {"x-optional-body": True} if optional_body else None,
    )
