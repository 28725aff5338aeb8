"""One method of one address in the OpenAPI document: what `@operation` says of it, and what all methods share."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from drf_spectacular.drainage import warn
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from mirrors.api.documents.parameters import path_parameters
from mirrors.api.operations import Operation, operation_of

ERROR = {"$ref": "#/components/schemas/ApiError"}
JSON = "application/json"
BEARER, SESSION, CSRF = "accessToken", "session", "csrfToken"
"""Names of the security schemes, see `completion`."""
IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description="The ETag of what was read: 412, and no change, where somebody has changed it since. `*` for any.",
)


class EndpointSchema(AutoSchema):
    """Django REST framework's DEFAULT_SCHEMA_CLASS."""

    method: str

    def get_operation(self, *args: Any) -> dict[str, Any] | None:
        """None, and a warning, for a method that has no `@operation`."""
        described: dict[str, Any] | None = super().get_operation(*args)
        if described and "requestBody" in described:
            described["requestBody"]["required"] = self._operation.body_required
        return described

    def is_excluded(self) -> bool:
        """Only what nothing is known of."""
        if operation_of(self._function) is not None:
            return False
        warn(f"{type(self.view).__name__}.{self.method.lower()} has no @operation: it is missing in the document.")
        return True

    @property
    def _function(self) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(self.view, self.method.lower())
        return function

    @property
    def _operation(self) -> Operation:
        described = operation_of(self._function)
        assert described is not None, "is_excluded has let it pass"  # noqa: S101
        return described

    @property
    def _scope(self) -> str | None:
        scopes: Mapping[str, str] = getattr(self.view, "scopes", {})
        return scopes.get(self.method)

    def get_operation_id(self) -> str:
        """The nickname."""
        return self._operation.nickname

    def get_summary(self) -> str:
        """The docstring's first sentence."""
        sentence: str = re.split(r"\.\s", self.get_description(), maxsplit=1)[0]
        return sentence.replace("\n", " ").replace("`", "").rstrip(".")

    def get_tags(self) -> list[str]:
        """The room that the endpoint is in."""
        return [room_of(type(self.view))]

    def get_extensions(self) -> dict[str, Any]:
        """What Quay does not have is marked, and so is the scope of an access token."""
        scope = {"x-scope": self._scope} if self._scope else {}
        return scope | ({"x-ours": True} if self._operation.ours else {})

    def get_auth(self) -> list[dict[str, list[str]]]:
        """An access token with the scope, or a session, which needs a CSRF token to change something; or nothing."""
        if not self.view.get_authenticators():
            return [{}]
        session: dict[str, list[str]] = {SESSION: []}
        if self.method != "GET":
            session[CSRF] = []
        alternatives = [{BEARER: [self._scope] if self._scope else []}, session]
        return alternatives if self._scope else [*alternatives, {}]

    def get_override_parameters(self) -> list[Any]:
        """Of the address, of the query, and If-Match where somebody else's change may be refused."""
        of_query = [
            OpenApiParameter(name, dict(schema), OpenApiParameter.QUERY, description=meaning)
            for name, (schema, meaning) in self._operation.query.items()
        ]
        of_head = [IF_MATCH] if HTTPStatus.PRECONDITION_FAILED in self._operation.errors else []
        return [*path_parameters(self.path_regex), *of_query, *of_head]

    def get_request_serializer(self) -> Any:
        """The body's schema; {} is: no body."""
        body = self._operation.body
        return {} if body is None else _by_media_type(body)

    def get_response_serializers(self) -> Any:
        """Bodies by status."""
        answers: dict[Any, Any] = {
            (status, kind): OpenApiResponse(schema or None, description=HTTPStatus(status).phrase)
            for status, answer in self._operation.answers.items()
            for kind, schema in _by_media_type(answer or {}).items()
        }
        missing = sorted(set(self._errors()) - set(self._operation.answers))
        return answers | {
            (status, JSON): OpenApiResponse(dict(ERROR), description=HTTPStatus(status).phrase) for status in missing
        }

    def get_examples(self) -> list[OpenApiExample]:
        """A body that works."""
        if self._operation.example is None:
            return []
        return [OpenApiExample(self._operation.nickname, value=self._operation.example, request_only=True)]

    def _errors(self) -> Iterator[int]:
        yield from self._operation.errors
        if self.view.get_authenticators():
            yield HTTPStatus.UNAUTHORIZED  # also of a method that needs no token: one that is not valid is refused
            yield HTTPStatus.FORBIDDEN
        if self._operation.body is not None:
            yield HTTPStatus.BAD_REQUEST
            yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def _by_media_type(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The schema of each media type: JSON, unless the schema, or an alternative of its `oneOf`, says something else."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in schema.get("oneOf", [schema]):
        plain = {key: value for key, value in each.items() if key != "contentMediaType"}
        found.setdefault(each.get("contentMediaType", JSON), []).append(plain)
    return {kind: each[0] if len(each) == 1 else {"oneOf": each} for kind, each in found.items()}


def room_of(endpoint: type) -> str:
    """The package below mirrors.api, in words: `organization mirrors`."""
    return endpoint.__module__.split(".")[2].replace("_", " ")


def meaning_of(room: str) -> str:
    """The first sentence of that package."""
    return (sys.modules[f"mirrors.api.{room.replace(' ', '_')}"].__doc__ or "").strip()
