"""The OpenAPI document: made once by each process, from the routes and the `@operation`s beside them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import yaml
from drf_spectacular.generators import SchemaGenerator


@cache
def openapi() -> dict[str, Any]:
    """The document. Not to be changed by who reads it."""
    generator: Any = SchemaGenerator  # without types
    document: dict[str, Any] = generator().get_schema(request=None, public=True)
    plain: dict[str, Any] = json.loads(json.dumps(document))
    return plain


@cache
def openapi_json() -> bytes:
    """The document's text as JSON."""
    return json.dumps(openapi(), ensure_ascii=False, indent=1).encode()


@cache
def openapi_yaml() -> bytes:
    """The document's text as YAML."""
    return yaml.safe_dump(openapi(), allow_unicode=True, sort_keys=False).encode()
