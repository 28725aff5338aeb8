"""Manifests: read, written, deleted, and those that refer to others."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

from mirrors.oci.images.manifest import OCI_INDEX, Manifest
from tests.registry.answers import NAME, SIGNATURE, error, held_in
from tests.registry.content import StoredTags

if TYPE_CHECKING:
    from tests.registry.server import FaultyRegistry

_FALLBACK = re.compile(r"(sha256|sha512)-([0-9a-f]{64})")


class Manifests:
    """One method per endpoint."""

    def __init__(self, registry: FaultyRegistry) -> None:
        self.registry = registry

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        path = f"/v2/{NAME}/manifests/{{reference}}"
        return [
            web.head(path, self.manifest),
            web.get(path, self.manifest, allow_head=False),
            web.put(path, self.put_manifest),
            web.delete(path, self.delete_manifest),
            web.get(f"/v2/{NAME}/referrers/{{digest}}", self.referrers),
        ]

    async def manifest(self, request: web.Request) -> web.StreamResponse:
        switches, reference = self.registry.switches, request.match_info["reference"]
        if request.method == "HEAD" and not switches.head_manifests:
            return error(switches.head_refusal, "UNSUPPORTED")
        held = held_in(self.registry, request)
        manifest = held.manifest(reference) or self._subject_for_fallback(held, reference)
        if manifest is None or held.is_hidden(reference):
            return error(404, "MANIFEST_UNKNOWN")
        if switches.manifest_redirect is not None:
            return self._redirected(request, switches.manifest_redirect, digest=manifest.digest)
        headers = self._headers(manifest)
        if request.method == "HEAD":
            if not switches.head_length:
                return web.StreamResponse(headers=headers)
            return web.Response(headers=headers | {"Content-Length": str(len(manifest.content))})
        if switches.manifest_encoding == "gzip":
            return web.Response(
                body=gzip.compress(manifest.content, mtime=0), headers=headers | {"Content-Encoding": "gzip"}
            )
        return web.Response(body=manifest.content, headers=headers)

    def _headers(self, manifest: Manifest) -> dict[str, str]:
        switches = self.registry.switches
        types = {"parameters": f"{manifest.media_type}; charset=utf-8", "wrong": "text/plain; charset=utf-8"}
        headers = {"Content-Type": types.get(switches.manifest_type, manifest.media_type)}
        if switches.manifest_type == "none":
            headers["Content-Type"] = "application/octet-stream"
        digests = {"right": manifest.digest, "wrong": "sha256:" + "1" * 64, "sha512": "sha512:" + "1" * 128}
        if digest := digests.get(switches.digest_header):
            headers["Docker-Content-Digest"] = digest
        return headers

    def _redirected(self, request: web.Request, to: str, *, digest: str) -> web.Response:
        location = request.path if to == "loop" else f"{to}/storage/{digest}?signature={SIGNATURE.replace('+', '%2B')}"
        return web.Response(status=self.registry.switches.redirect_status, headers={"Location": location})

    def _subject_for_fallback(self, held: StoredTags, reference: str) -> Manifest | None:
        match = _FALLBACK.fullmatch(reference)
        if match is None or not self.registry.switches.fallback_is_subject:
            return None
        return held.manifests.get(f"{match[1]}:{match[2]}")

    async def put_manifest(self, request: web.Request) -> web.Response:
        switches, reference = self.registry.switches, request.match_info["reference"]
        algorithm = reference.partition(":")[0] if ":" in reference and switches.sha512 != "rehashed" else "sha256"
        manifest = Manifest(await request.read(), request.headers["Content-Type"], algorithm)
        held = self.registry.repository(request.match_info["name"])
        refusal = self._refusal(held, manifest, reference)
        if refusal is not None:
            return refusal
        tags = [] if ":" in reference else [reference]
        headers = {"Docker-Content-Digest": manifest.digest}
        if switches.tag_parameters and ":" in reference:
            tags = request.query.getall("tag", [])
            headers |= {"OCI-Tag": ", ".join(tags)} if tags else {}
        held.keep(manifest, tags=tags)
        held.unseen |= dict.fromkeys((manifest.digest, *tags), switches.unseen_after_push)
        if subject := self._subject(manifest):
            headers |= {"OCI-Subject": subject} if switches.subject_header and switches.referrers == "on" else {}
        return web.Response(status=201, headers=headers)

    def _refusal(self, held: StoredTags, manifest: Manifest, reference: str) -> web.Response | None:
        switches = self.registry.switches
        if switches.manifest_limit is not None and len(manifest.content) > switches.manifest_limit:
            return web.Response(status=413, text="<html>413 Request Entity Too Large</html>")
        if switches.sha512 == "refused" and reference.startswith("sha512:"):
            return error(400, "DIGEST_INVALID")
        if ":" in reference and switches.sha512 != "rehashed" and reference != manifest.digest:
            return error(400, "DIGEST_INVALID")
        document = json.loads(manifest.content)
        if switches.needs_media_type and "mediaType" not in document:
            return error(400, "MANIFEST_INVALID", message="Invalid JSON syntax")
        if not switches.docker_types and "docker" in manifest.media_type:
            return error(415, "MANIFEST_INVALID")
        if reference in held.tags and (refusal := self._immutable(held, manifest, reference)):
            return refusal
        subject = self._subject(manifest)
        if switches.subject_must_exist and subject and subject not in held.manifests:
            return error(400, "MANIFEST_INVALID", message="subject manifest not found")
        if held.lacks(manifest, sparse=switches.sparse_indexes, foreign=switches.needs_foreign_layers):
            return error(*switches.sparse_refusal)
        return None

    def _immutable(self, held: StoredTags, manifest: Manifest, tag: str) -> web.Response | None:
        how = self.registry.switches.immutable
        if how is None or (how != "ecr" and held.tags[tag] == manifest.digest):
            return None
        said = f"The image tag '{tag}' already exists and cannot be overwritten because the tag is immutable."
        codes = {"412": "PRECONDITION", "400": "TAG_INVALID", "403": "DENIED", "409": "TAG_ALREADY_EXISTS"}
        if how == "ecr":
            return error(400, "ImageTagAlreadyExistsException", message=said)
        return error(int(how), codes[how], message=said)

    def _subject(self, manifest: Manifest) -> str | None:
        subject: dict[str, Any] = json.loads(manifest.content).get("subject") or {}
        return subject.get("digest")

    async def delete_manifest(self, request: web.Request) -> web.Response:
        held = held_in(self.registry, request)
        reference, deletes = request.match_info["reference"], self.registry.switches.deletes
        if deletes in {"none", "400"}:
            return error(405 if deletes == "none" else 400, "UNSUPPORTED")
        if ":" not in reference:
            if deletes != "tags":
                return error(400, "DIGEST_INVALID")
            return web.Response(status=202) if held.tags.pop(reference, None) else error(404, "MANIFEST_UNKNOWN")
        if held.manifests.pop(reference, None) is None:
            return error(404, "MANIFEST_UNKNOWN")
        held.tags = {tag: digest for tag, digest in held.tags.items() if digest != reference}
        return web.Response(status=202)

    async def referrers(self, request: web.Request) -> web.Response:
        switches = self.registry.switches
        if switches.referrers == "html":
            return web.Response(text="<html>welcome</html>", content_type="text/html")
        if switches.referrers != "on":
            return error(int(switches.referrers), "UNSUPPORTED")
        found = self.registry.repository(request.match_info["name"]).referrers(request.match_info["digest"])
        headers, wanted = {"Content-Type": OCI_INDEX}, request.query.get("artifactType")
        if wanted and switches.referrers_filter:
            found = [entry for entry in found if entry.get("artifactType") == wanted]
            headers["OCI-Filters-Applied"] = "artifactType"
        start, size = int(request.query.get("from", 0)), switches.referrers_page_size or len(found)
        if start + size < len(found):
            query = f"artifactType={wanted}&" if wanted else ""
            headers["Link"] = f'<{request.path}?{query}from={start + size}>; rel="next"'
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found[start : start + size]}
        return web.Response(body=json.dumps(document).encode(), headers=headers)
