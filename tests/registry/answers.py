"""Pieces that every endpoint answers with."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

from aiohttp import web

from tests.registry.content import StoredTags

if TYPE_CHECKING:
    from tests.registry.server import FaultyRegistry

NAME = r"{name:[a-z0-9._/-]+}"
SIGNATURE = "SECRET+1"
"""What a signed address has to carry; errors and logs must never show it."""
DRIP = 0.05


def held_in(registry: FaultyRegistry, request: web.Request) -> StoredTags:
    """The repository of a request; answers 404 where it does not exist."""
    held = registry.repositories.get(request.match_info["name"])
    if held is None:
        raise web.HTTPNotFound(text=error_body("NAME_UNKNOWN").decode(), content_type="application/json")
    return held


def error(
    status: int, code: str, *, message: str = "told so by the test", headers: dict[str, str] | None = None
) -> web.Response:
    """An error as registries write it."""
    return web.Response(
        status=status, body=error_body(code, message=message), content_type="application/json", headers=headers
    )


def error_body(code: str, *, message: str = "told so by the test") -> bytes:
    """The document of an error."""
    return json.dumps({"errors": [{"code": code, "message": message, "detail": None}]}).encode()


async def cut_off(request: web.Request, response: web.StreamResponse, content: bytes) -> web.StreamResponse:
    """Send what there is of a longer body, then close the connection."""
    await response.prepare(request)
    await response.write(content)
    assert request.transport is not None
    request.transport.close()
    return response


async def dripped(request: web.Request, response: web.Response, *, pause: float) -> web.StreamResponse:
    """The same answer, byte by byte."""
    slow = web.StreamResponse(status=response.status, headers=response.headers)
    await slow.prepare(request)
    for byte in bytes(response.body or b""):  # type: ignore[arg-type]
        await slow.write(bytes([byte]))
        await asyncio.sleep(pause)
    return slow


def asked_range(request: web.Request, *, size: int) -> tuple[int, int] | None:
    """First and last byte of a Range header, or None without one; last < first where it cannot be satisfied."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("Range", ""))
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        return max(0, size - int(match[2])), size - 1
    return int(match[1]), min(size - 1, int(match[2]) if match[2] else size - 1)
