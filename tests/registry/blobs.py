"""Blobs, read: whole, in ranges, over redirects, broken."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from tests.registry.answers import DRIP, NAME, SIGNATURE, asked_range, cut_off, error, held_in

if TYPE_CHECKING:
    from tests.registry.server import FaultyRegistry


class Blobs:
    """One method per endpoint."""

    def __init__(self, registry: FaultyRegistry) -> None:
        self.registry = registry

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        path = f"/v2/{NAME}/blobs/{{digest}}"
        return [
            web.head(path, self.blob),
            web.get(path, self.blob, allow_head=False),
            web.get("/storage/{digest}", self.storage),
        ]

    async def blob(self, request: web.Request) -> web.StreamResponse:
        digest, switches = request.match_info["digest"], self.registry.switches
        if request.method == "HEAD" and not switches.head_blobs:
            return error(switches.head_refusal, "UNSUPPORTED")
        content = held_in(self.registry, request).blobs.get(digest)
        if content is None:
            return error(404, "BLOB_UNKNOWN")
        if request.method == "HEAD":
            return web.Response(headers={"Content-Length": str(len(content)), "Docker-Content-Digest": digest})
        if (to := switches.blob_redirect) is not None:
            signature = SIGNATURE.replace("+", "%2B")
            location = request.path if to == "loop" else f"{to}/storage/{digest}?signature={signature}"
            return web.Response(status=switches.redirect_status, headers={"Location": location})
        return await self._send(request, content)

    async def storage(self, request: web.Request) -> web.StreamResponse:
        """The other host that is redirected to; what it holds is in the repository `storage`."""
        switches, held = self.registry.switches, self.registry.repository("storage")
        if "Authorization" in request.headers or request.query.get("signature") != SIGNATURE:
            return web.Response(status=400, text="<html>Only one auth mechanism allowed</html>")
        if switches.expired_links > 0:
            switches.expired_links -= 1
            return web.Response(status=switches.link_refusal, text="<Error><Code>AccessDenied</Code></Error>")
        digest = request.match_info["digest"]
        if manifest := held.manifests.get(digest):
            return web.Response(body=manifest.content, headers={"Content-Type": manifest.media_type})
        content = held.blobs.get(digest)
        return await self._send(request, content) if content is not None else web.Response(status=404)

    async def _send(self, request: web.Request, content: bytes) -> web.StreamResponse:
        switches = self.registry.switches
        content = _bent(content, how=switches.blobs)
        status, headers, content = self._in_range(request, content)
        if status == 416:
            return web.Response(status=416, headers=headers)
        response = web.StreamResponse(status=status, headers=headers | {"Content-Length": str(len(content))})
        if switches.cuts and switches.cuts[0] < len(content):
            return await cut_off(request, response, content[: switches.cuts.pop(0)])
        half = len(content) // 2
        if switches.blobs == "truncated":
            return await cut_off(request, response, content[:half])
        await response.prepare(request)
        if switches.blobs == "stalling":
            await response.write(content[:half])
            await asyncio.sleep(3600)
        elif switches.blobs == "dripping":
            for position in range(len(content)):
                await response.write(content[position : position + 1])
                await asyncio.sleep(switches.drip or DRIP)
        else:
            await response.write(content)
        return response

    def _in_range(self, request: web.Request, content: bytes) -> tuple[int, dict[str, str], bytes]:
        how, size = self.registry.switches.ranges, len(content)
        asked = asked_range(request, size=size)
        headers = {"Accept-Ranges": "bytes"} if how == "yes" else {}
        if asked is None or how == "no":
            return 200, headers, content
        first, last = asked
        if how == "416" or first > last:
            return 416, {"Content-Range": f"bytes */{size}"}, b""
        if how == "wrong":
            return 206, {"Content-Range": f"bytes 0-{size - 1}/{size}"}, content
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        return 206, headers, content[first : last + 1]


def _bent(content: bytes, *, how: str) -> bytes:
    if how == "corrupt" and content:
        return content[:-1] + bytes([content[-1] ^ 1])
    if how == "longer":
        return content + b"and more"
    if how == "shorter":
        return content[:-1]
    return b"<html>Please log in</html>" if how == "html" else content
