"""The parts of an address that vary: what each means, and which texts it can be."""

from __future__ import annotations

import re
from typing import Any

from django.urls.converters import get_converters
from drf_spectacular.utils import OpenApiParameter

MEANINGS = {
    "repository": "Full name of a repository, `namespace/name`. The name may have further parts, with slashes.",
    "organization": "Name of an organization.",
    "orgname": "Name of an organization.",
    "team": "Name of a team of the organization.",
    "teamname": "Name of a team of the organization.",
    "robot": "Short name of a robot, the part after the `+`.",
    "member": "Name of a user, or full name of a robot, `namespace+name`.",
    "person": "Name of a user.",
    "username": "Name of a user, or full name of a robot, `namespace+name`.",
    "external": "Name of a user elsewhere.",
    "prefix": "How the wanted names begin.",
    "client_id": "The application's `client_id`.",
    "token": "The token's `uuid`.",
    "tag": "Name of a tag.",
    "uuid": "The `uuid` of a notification.",
    "sync_id": "The `id` of a sync.",
    "preview_id": "The `id` of a preview.",
    "export_id": "The `export_id` of an export.",
    "error_type": "The `error_type` of an error.",
}
"""By the name in the route."""
OF_CONVERTERS: dict[str, dict[str, Any]] = {
    "number": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
    "int": {"type": "integer", "minimum": 0},
    "uuid": {"type": "string", "format": "uuid"},
}
"""Schemas of path converters that are no plain text."""
_PART = re.compile(r"<(?:(?P<converter>\w+):)?(?P<name>\w+)>")


def path_parameters(route: str) -> list[OpenApiParameter]:
    """The parameters of a Django route such as `v1/repository/<full_name:repository>/mirror`."""
    return [
        OpenApiParameter(
            part["name"],
            schema_of(part["converter"] or "str"),
            OpenApiParameter.PATH,
            required=True,
            description=MEANINGS.get(part["name"], ""),
        )
        for part in _PART.finditer(route)
    ]


def schema_of(converter: str) -> dict[str, Any]:
    """JSON Schema of the texts that this path converter accepts."""
    if converter in OF_CONVERTERS:
        return OF_CONVERTERS[converter]
    return {"type": "string", "pattern": f"^{get_converters()[converter].regex}$"}
