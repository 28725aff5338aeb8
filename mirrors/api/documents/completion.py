"""What drf-spectacular's own generator leaves open: which routes are in the document, and what its methods share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mirrors.api.documents.schema import BEARER, CSRF, SESSION, meaning_of
from mirrors.api.errors import ERROR_TYPES

Endpoint = tuple[str, str, str, Callable[..., Any]]
"""Address, route, method, view."""

API_ERROR = {
    "type": "object",
    "description": (
        "Every error. `detail`, `error_message` and `message` are the same sentence, because Quay's clients look for "
        "it under all three names; only a 404 has no `message`. Some errors have further keys."
    ),
    "properties": {
        "detail": {"type": "string", "description": "What is wrong, and what to do next."},
        "error_message": {"type": "string", "description": "The same."},
        "message": {"type": "string", "description": "The same; missing in a 404."},
        "error": {"type": "string", "description": "The same, where a CSRF token is missing."},
        "error_type": {"type": "string", "enum": list(ERROR_TYPES)},
        "title": {"type": "string", "enum": list(ERROR_TYPES), "description": "The same as `error_type`."},
        "type": {"type": "string", "description": "An address that says what the `error_type` means."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "The answer's status."},
    },
    "required": ["detail", "error_message", "error_type", "title", "type", "status"],
    "examples": [
        {
            "detail": "Not Found",
            "error_message": "Not Found",
            "error_type": "not_found",
            "title": "not_found",
            "type": "https://mirrors.example.com/api/v1/error/not_found",
            "status": 404,
        }
    ],
}
SECURITY_SCHEMES = {
    BEARER: {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token. What a method asks for is the scope that the token must hold.",
    },
    SESSION: {
        "type": "apiKey",
        "in": "cookie",
        "name": "mirrorfarm_session",
        "description": "The session of a browser, or of who has posted name and password to /api/v1/signin.",
    },
    CSRF: {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "Beside a session, for every method but GET: the token of /csrf_token, or the one that the "
        "last answer gave in X-Next-CSRF-Token.",
    },
}


def one_path_per_route(endpoints: list[Endpoint]) -> list[Endpoint]:
    """A preprocessing hook: each route answers with and without a slash at its end; the first form is described."""
    described: dict[tuple[Callable[..., Any], str], Endpoint] = {}
    for endpoint in endpoints:
        described.setdefault((endpoint[3], endpoint[2]), endpoint)
    return list(described.values())


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A postprocessing hook: the error's schema, the ways to sign in, and what each tag means."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["ApiError"] = API_ERROR
    components["securitySchemes"] = SECURITY_SCHEMES
    methods = [operation for item in result["paths"].values() for operation in item.values()]
    rooms = sorted({tag for operation in methods for tag in operation["tags"]})
    result["tags"] = [{"name": room, "description": meaning_of(room)} for room in rooms]
    return result
