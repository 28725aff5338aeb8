"""The distribution API over the content in memory, bent by the switches."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING

from aiohttp import web

from mirrors.oci.manifest import Manifest
from tests.registry.content import StoredTags

if TYPE_CHECKING:
    from tests.registry.server import FaultyRegistry

NAME = r"{name:[a-z0-9._/-]+}"


class Handlers:
    """One method per endpoint of the distribution specification."""

    def __init__(self, registry: FaultyRegistry) -> None:
        self.registry = registry

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [
            web.get("/v2/", self.version),
            web.get(f"/v2/{NAME}/tags/list", self.tags),
            web.head(f"/v2/{NAME}/manifests/{{reference}}", self.manifest),
            web.get(f"/v2/{NAME}/manifests/{{reference}}", self.manifest, allow_head=False),
            web.put(f"/v2/{NAME}/manifests/{{reference}}", self.put_manifest),
            web.delete(f"/v2/{NAME}/manifests/{{reference}}", self.delete_manifest),
            web.post(f"/v2/{NAME}/blobs/uploads/", self.start_upload),
            web.patch(f"/v2/{NAME}/blobs/uploads/{{session}}", self.patch_upload),
            web.put(f"/v2/{NAME}/blobs/uploads/{{session}}", self.put_upload),
            web.delete(f"/v2/{NAME}/blobs/uploads/{{session}}", self.cancel_upload),
            web.head(f"/v2/{NAME}/blobs/{{digest}}", self.blob),
            web.get(f"/v2/{NAME}/blobs/{{digest}}", self.blob, allow_head=False),
            web.get("/storage/{digest}", self.storage),
        ]

    async def version(self, request: web.Request) -> web.Response:
        return web.json_response({})

    async def tags(self, request: web.Request) -> web.Response:
        switches = self.registry.switches
        tags = sorted(self._held(request, "NAME_UNKNOWN").tags)
        last, size = request.query.get("last", ""), switches.tag_page_size
        page = [tag for tag in tags if tag > last][: size or None]
        headers = {}
        if size and page and page[-1] != tags[-1]:
            headers["Link"] = f'<{self._next_link(request, page[-1])}>; rel="next"'
        listed = [*page, None, "", "sha256:" + "0" * 64] if switches.odd_tags else page
        return web.json_response({"name": request.match_info["name"], "tags": listed}, headers=headers)

    def _next_link(self, request: web.Request, last: str) -> str:
        path = f"{request.path}?last={'' if self.registry.switches.link == 'loop' else last}&n=2"
        prefix = {"absolute": f"http://{request.host}", "foreign": "http://internal.invalid:1"}
        return prefix.get(self.registry.switches.link, "") + path

    async def manifest(self, request: web.Request) -> web.Response:
        if request.method == "HEAD" and not self.registry.switches.head_manifests:
            return error(405, "UNSUPPORTED")
        manifest = self._held(request, "NAME_UNKNOWN").manifest(request.match_info["reference"])
        if manifest is None:
            return error(404, "MANIFEST_UNKNOWN")
        headers = {"Content-Type": manifest.media_type}
        digests = {"right": manifest.digest, "wrong": "sha256:" + "1" * 64}
        if digest := digests.get(self.registry.switches.digest_header):
            headers["Docker-Content-Digest"] = digest
        if request.method == "HEAD":
            return web.Response(headers=headers | {"Content-Length": str(len(manifest.content))})
        return web.Response(body=manifest.content, headers=headers)

    async def put_manifest(self, request: web.Request) -> web.Response:
        reference = request.match_info["reference"]
        algorithm = reference.partition(":")[0] if ":" in reference else "sha256"
        manifest = Manifest(await request.read(), request.headers["Content-Type"], algorithm)
        held = self.registry.repository(request.match_info["name"])
        if held.lacks(manifest, sparse=self.registry.switches.sparse_indexes):
            return error(400, "MANIFEST_BLOB_UNKNOWN")
        held.manifests[manifest.digest] = manifest
        if ":" not in reference:
            held.tags[reference] = manifest.digest
        return web.Response(status=201, headers={"Docker-Content-Digest": manifest.digest})

    async def delete_manifest(self, request: web.Request) -> web.Response:
        held = self._held(request, "NAME_UNKNOWN")
        reference, deletes = request.match_info["reference"], self.registry.switches.deletes
        if deletes == "none":
            return error(405, "UNSUPPORTED")
        if ":" not in reference:
            if deletes != "tags":
                return error(400, "DIGEST_INVALID")
            return web.Response(status=202) if held.tags.pop(reference, None) else error(404, "MANIFEST_UNKNOWN")
        if held.manifests.pop(reference, None) is None:
            return error(404, "MANIFEST_UNKNOWN")
        held.tags = {tag: digest for tag, digest in held.tags.items() if digest != reference}
        return web.Response(status=202)

    async def start_upload(self, request: web.Request) -> web.Response:
        held = self.registry.repository(request.match_info["name"])
        digest = request.query.get("mount")
        if digest and self.registry.switches.mounts == "403":
            return error(403, "DENIED")
        other = self.registry.repositories.get(request.query.get("from", ""))
        if digest and other and digest in other.blobs and self.registry.switches.mounts == "yes":
            held.blobs[digest] = other.blobs[digest]
            return web.Response(status=201, headers={"Docker-Content-Digest": digest})
        session = uuid.uuid4().hex
        held.uploads[session] = bytearray()
        return web.Response(status=202, headers={"Location": self._location(request, session)})

    def _location(self, request: web.Request, session: str) -> str:
        path = f"/v2/{request.match_info['name']}/blobs/uploads/{session}"
        prefix = "" if self.registry.switches.locations == "relative" else f"http://{request.host}"
        return prefix + path + ("?_state=a%2Bb%3D" if self.registry.switches.locations == "state" else "")

    async def patch_upload(self, request: web.Request) -> web.Response:
        held = self._held(request, "NAME_UNKNOWN")
        held.uploads[request.match_info["session"]] += await request.read()
        return web.Response(status=202, headers={"Location": self._location(request, request.match_info["session"])})

    async def put_upload(self, request: web.Request) -> web.StreamResponse:
        held, session = self._held(request, "NAME_UNKNOWN"), request.match_info["session"]
        if self.registry.switches.locations == "state" and request.query.get("_state") != "a+b=":
            return error(400, "BLOB_UPLOAD_INVALID")
        if session not in held.uploads:
            return error(404, "BLOB_UPLOAD_UNKNOWN")
        if self.registry.switches.uploads == "patch" and request.content_length:
            return error(405, "UNSUPPORTED")
        if self.registry.switches.uploads == "closing":
            await request.content.readany()
            assert request.transport is not None
            request.transport.close()
            return web.Response(status=500)
        held.uploads[session] += await request.read()
        if not held.finish_upload(session, request.query["digest"]):
            return error(400, "DIGEST_INVALID")
        return web.Response(status=201)

    async def cancel_upload(self, request: web.Request) -> web.Response:
        found = self._held(request, "NAME_UNKNOWN").uploads.pop(request.match_info["session"], None)
        return web.Response(status=204) if found is not None else error(404, "BLOB_UPLOAD_UNKNOWN")

    async def blob(self, request: web.Request) -> web.StreamResponse:
        digest = request.match_info["digest"]
        content = self._held(request, "NAME_UNKNOWN").blobs.get(digest)
        if content is None:
            return error(404, "BLOB_UNKNOWN")
        if request.method == "HEAD":
            return web.Response(headers={"Content-Length": str(len(content)), "Docker-Content-Digest": digest})
        if redirect := self.registry.switches.blob_redirect:
            return web.Response(status=307, headers={"Location": f"{redirect}/storage/{digest}?signature=SECRET%2B1"})
        return await self._send(request, content)

    async def storage(self, request: web.Request) -> web.StreamResponse:
        """The other host that blobs are redirected to; what it holds is in the repository `storage`."""
        if "Authorization" in request.headers or request.query.get("signature") != "SECRET+1":
            return web.Response(status=400, text="<html>Only one auth mechanism allowed</html>")
        content = self.registry.repository("storage").blobs.get(request.match_info["digest"])
        return await self._send(request, content) if content is not None else web.Response(status=404)

    async def _send(self, request: web.Request, content: bytes) -> web.StreamResponse:
        how = self.registry.switches.blobs
        if how == "corrupt":
            content = content[:-1] + bytes([content[-1] ^ 1])
        response = web.StreamResponse(headers={"Content-Length": str(len(content))})
        await response.prepare(request)
        if how == "truncated":
            await response.write(content[: len(content) // 2])
            assert request.transport is not None
            request.transport.close()
        elif how == "stalling":
            await response.write(content[: len(content) // 2])
            await asyncio.sleep(3600)
        else:
            await response.write(content)
        return response

    def _held(self, request: web.Request, code: str) -> StoredTags:
        held = self.registry.repositories.get(request.match_info["name"])
        if held is None:
            raise web.HTTPNotFound(text=error_body(code).decode(), content_type="application/json")
        return held


def error(status: int, code: str) -> web.Response:
    """An error as registries write it."""
    return web.Response(status=status, body=error_body(code), content_type="application/json")


def error_body(code: str) -> bytes:
    """The document of an error."""
    return json.dumps({"errors": [{"code": code, "message": "told so by the test", "detail": None}]}).encode()
