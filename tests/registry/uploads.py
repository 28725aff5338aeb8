"""Blobs, written: mounts, uploads in one body or in chunks, and the ways in which registries get them wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import web

from tests.registry.answers import NAME, error, held_in
from tests.registry.content import StoredTags, Upload

if TYPE_CHECKING:
    from tests.registry.server import FaultyRegistry

_STATE = "a+b="


class Uploads:
    """One method per endpoint."""

    def __init__(self, registry: FaultyRegistry) -> None:
        self.registry = registry

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        path = f"/v2/{NAME}/blobs/uploads/{{session}}"
        return [
            web.post(f"/v2/{NAME}/blobs/uploads/", self.start),
            web.get(path, self.status),
            web.patch(path, self.patch),
            web.put(path, self.put),
            web.delete(path, self.cancel),
        ]

    async def start(self, request: web.Request) -> web.Response:
        held, switches = self.registry.repository(request.match_info["name"]), self.registry.switches
        digest = request.query.get("mount")
        if digest and switches.mounts == "403":
            return error(403, "DENIED")
        if digest and self._can_mount(held, digest, source=request.query.get("from")):
            return web.Response(status=201, headers={"Docker-Content-Digest": digest})
        session = held.open_upload()
        whole = request.query.get("digest")
        if whole and switches.post_digest == "201":
            held.uploads[session].content += await request.read()
            return self._finished(held, session, whole)
        return self._under_way(request, held, session, status=202)

    def _can_mount(self, held: StoredTags, digest: str, *, source: str | None) -> bool:
        mounts, repositories = self.registry.switches.mounts, self.registry.repositories
        if mounts == "anonymous":
            others = list(repositories.values())
        else:
            others = [repositories[source]] if source in repositories and mounts == "yes" else []
        for other in others:
            if digest in other.blobs:
                held.blobs[digest] = other.blobs[digest]
                return True
        return False

    async def status(self, request: web.Request) -> web.Response:
        held, session, _ = self._upload(request)
        if not self.registry.switches.upload_status:
            return error(404, "BLOB_UPLOAD_UNKNOWN")
        if self.registry.switches.forgetful:
            held.uploads[session].content.clear()
        return self._under_way(request, held, session, status=204)

    async def patch(self, request: web.Request) -> web.StreamResponse:
        held, session, upload = self._upload(request)
        style = self.registry.switches.uploads
        if style == "put" or (style == "single" and upload.patches):
            return error(405, "UNSUPPORTED")
        if (refusal := self._chunk_refusal(request, held, session)) is not None:
            return refusal
        upload.patches += 1
        dropped = style == "lost" and upload.patches > 1
        if not await self._receive(request, Upload() if dropped else upload):
            return _hang_up(request)
        return self._under_way(request, held, session, status=201 if style == "lost" else 202)

    async def put(self, request: web.Request) -> web.StreamResponse:
        held, session, upload = self._upload(request)
        switches = self.registry.switches
        if switches.locations == "state" and request.query.get("_state") != _STATE:
            return error(400, "BLOB_UPLOAD_INVALID")
        if switches.uploads == "patch" and request.content_length:
            return error(405, "UNSUPPORTED")
        if switches.uploads == "closing":
            await request.content.readany()
            return _hang_up(request)
        if not await self._receive(request, upload):
            return _hang_up(request)
        return self._finished(held, session, request.query["digest"])

    async def cancel(self, request: web.Request) -> web.Response:
        held, session, _ = self._upload(request)
        del held.uploads[session]
        held.cancelled.append(session)
        return web.Response(status=204)

    def _upload(self, request: web.Request) -> tuple[StoredTags, str, Upload]:
        held, session = held_in(self.registry, request), request.match_info["session"]
        if session not in held.uploads:
            raise web.HTTPNotFound(text='{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')
        return held, session, held.uploads[session]

    def _chunk_refusal(self, request: web.Request, held: StoredTags, session: str) -> web.Response | None:
        switches, upload = self.registry.switches, held.uploads[session]
        match = re.fullmatch(r"(?:bytes[ =])?(\d+)-(\d+)(?:/.*)?", request.headers.get("Content-Range", ""))
        if match is None:
            return None
        first, size = int(match[1]), int(match[2]) + 1 - int(match[1])
        if switches.chunk_limit is not None and size > switches.chunk_limit:
            return error(416, "SIZE_INVALID", message="exceeds the maximum permissible limit of 4.00MiB")
        if first != len(upload.content) or (switches.chunk_min is not None and upload.short_chunk):
            return self._under_way(request, held, session, status=416)
        upload.short_chunk = switches.chunk_min is not None and size < switches.chunk_min
        return None

    async def _receive(self, request: web.Request, upload: Upload) -> bool:
        """Take the body in; False where the connection is to be closed in the middle of it."""
        cuts = self.registry.switches.upload_cuts
        if not cuts or cuts[0] >= (request.content_length or 1 << 62):
            upload.content += await request.read()
            return True
        left = cuts.pop(0)
        while left and (piece := await request.content.read(left)):
            upload.content += piece
            left -= len(piece)
        return False

    def _finished(self, held: StoredTags, session: str, digest: str) -> web.Response:
        switches, size = self.registry.switches, len(held.uploads[session].content)
        if switches.quota is not None and held.size() + size > switches.quota:
            del held.uploads[session]
            said = f"adding {size} B of storage resource will exceed the configured upper limit (quota) of it"
            return error(switches.quota_refusal, "DENIED", message=said)
        refused = switches.sha512 == "refused" and digest.startswith("sha512:")
        if refused or not held.finish_upload(session, digest):
            return error(400, "DIGEST_INVALID")
        return web.Response(status=switches.blob_put_status, headers={"Docker-Content-Digest": digest})

    def _under_way(self, request: web.Request, held: StoredTags, session: str, *, status: int) -> web.Response:
        switches, received = self.registry.switches, len(held.uploads[session].content)
        if switches.locations == "new" and status in {201, 202}:
            renamed = f"{session.partition('-')[0]}-{len(self.registry.requests)}"
            held.uploads[renamed] = held.uploads.pop(session)
            session = renamed
        headers = {"Location": self._location(request, session)}
        ranges = {"plain": f"0-{max(0, received - 1)}", "bytes": f"bytes=0-{max(0, received - 1)}"}
        if text := ranges.get(switches.range_header):
            headers["Range"] = text
        if switches.chunk_min is not None and request.method == "POST":
            headers["OCI-Chunk-Min-Length"] = str(switches.chunk_min)
        return web.Response(status=status, headers=headers)

    def _location(self, request: web.Request, session: str) -> str:
        locations = self.registry.switches.locations
        path = f"/v2/{request.match_info['name']}/blobs/uploads/{session}"
        scheme = "http" if locations == "http" else self.registry.scheme
        prefix = f"{scheme}://{request.host}" if locations in {"absolute", "state", "http"} else ""
        return prefix + path + ("?_state=a%2Bb%3D" if locations == "state" else "")


def _hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response(status=500)
