"""The reading half of the distribution API over the built-in store, for any web framework.

A door parses the path, decides whether the caller may read that repository, asks `read` for the answer, and sends it.
Source: OCI distribution-spec v1.1; RFC 9110 for ranges and validators.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlencode

from mirrors.oci.errors import OCIError
from mirrors.oci.fallback import referrer_entry
from mirrors.oci.images.manifest import OCI_INDEX, Manifest
from mirrors.oci.images.names import is_digest, is_repository_name, is_tag
from mirrors.oci.store.files import Store, StoredContent

READING = frozenset({"GET", "HEAD"})
VERSION_HEADERS = {"Docker-Distribution-Api-Version": "registry/2.0"}
_JSON = {"Content-Type": "application/json"}
_ENDPOINT = re.compile(r"(?P<name>.+)/(?:(?P<tags>tags)/list|(?P<kind>manifests|blobs|referrers)/(?P<reference>[^/]+))")
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class ErrorCode(StrEnum):
    """The codes of the distribution-spec that a reader can meet, and PAGINATION_NUMBER_INVALID of CNCF distribution."""

    BLOB_UNKNOWN = "BLOB_UNKNOWN"
    DENIED = "DENIED"
    DIGEST_INVALID = "DIGEST_INVALID"
    MANIFEST_UNKNOWN = "MANIFEST_UNKNOWN"
    NAME_INVALID = "NAME_INVALID"
    NAME_UNKNOWN = "NAME_UNKNOWN"
    PAGINATION_NUMBER_INVALID = "PAGINATION_NUMBER_INVALID"
    TOOMANYREQUESTS = "TOOMANYREQUESTS"
    UNAUTHORIZED = "UNAUTHORIZED"
    UNKNOWN = "UNKNOWN"
    UNSUPPORTED = "UNSUPPORTED"


class Kind(StrEnum):
    """What a request asks for."""

    VERSION = "version"
    TAGS = "tags"
    MANIFEST = "manifests"
    BLOB = "blobs"
    REFERRERS = "referrers"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A parsed path: what is asked for, of which repository, by which tag or digest."""

    kind: Kind
    name: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class FilePart:
    """`length` bytes of a file, from `offset` on."""

    path: Path
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (with Content-Length) and either bytes or a part of a file. For HEAD, send no body."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: FilePart | None = None


class Refusal(Exception):
    """An answer other than the content asked for, with the error body of the specification."""

    def __init__(self, status: int, code: ErrorCode, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})

    @property
    def answer(self) -> Answer:
        """This refusal as it goes to the client."""
        body = json.dumps({"errors": [{"code": self.code, "message": self.message, "detail": None}]}).encode()
        return _bytes_answer(self.status, body, _JSON | self.headers)


def parse_path(path: str, *, method: str = "GET") -> Endpoint:
    """Read the part after `/v2/`; raises Refusal for writing, for unknown endpoints and names outside the grammar."""
    if method not in READING:
        raise Refusal(
            405,
            ErrorCode.UNSUPPORTED,
            "This registry is read-only: its content comes from mirroring. Use GET or HEAD.",
            headers={"Allow": "GET, HEAD"},
        )
    if not path:
        return Endpoint(Kind.VERSION)
    match = _ENDPOINT.fullmatch(path)
    if match is None:
        message = "This registry has tags/list, manifests, blobs and referrers, and no more."
        raise Refusal(404, ErrorCode.UNSUPPORTED, message)
    kind, reference = Kind(match["tags"] or match["kind"]), match["reference"] or ""
    if not is_repository_name(match["name"]):
        raise Refusal(400, ErrorCode.NAME_INVALID, "The repository name breaks the grammar of the specification.")
    if kind in (Kind.BLOB, Kind.REFERRERS) and not is_digest(reference):
        message = f"{kind.capitalize()} are asked for by a digest: sha256: and 64 hex digits."
        raise Refusal(400, ErrorCode.DIGEST_INVALID, message)
    if kind is Kind.MANIFEST and not (is_tag(reference) or is_digest(reference)):
        raise Refusal(404, ErrorCode.MANIFEST_UNKNOWN, "That is neither a tag nor a digest.")
    return Endpoint(kind, match["name"], reference)


def read(
    store: Store, endpoint: Endpoint, *, query: Mapping[str, str], headers: Mapping[str, str], method: str = "GET"
) -> Answer:
    """The answer to a GET or HEAD. headers: the request's, looked up case-insensitively. Raises Refusal."""
    if endpoint.kind is Kind.VERSION:
        return _bytes_answer(200, b"{}", _JSON)
    if endpoint.kind is Kind.TAGS:
        return _tags_answer(endpoint.name, _tags(store, endpoint.name), query)
    if endpoint.kind is Kind.REFERRERS:
        return _referrers_answer(store.find_referrers(endpoint.name, endpoint.reference), query)
    try:
        return _content_answer(store, endpoint, headers, method)
    except FileNotFoundError:  # collected as garbage between finding and opening
        raise _unknown(endpoint) from None
    except OCIError as error:
        raise Refusal(500, ErrorCode.UNKNOWN, str(error)) from error


def page_of_tags(tags: Sequence[str], *, limit: int | None, last: str) -> tuple[Sequence[str], bool]:
    """The sorted tags after `last`, at most `limit` of them, and whether there are more."""
    start = bisect_right(tags, last) if last else 0
    end = len(tags) if limit is None else start + limit
    return tags[start:end], 0 < end < len(tags) and limit != 0


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """First byte and number of bytes that a Range header asks for; None where the whole is to be sent.

    Several ranges, other units and broken syntax may be ignored (RFC 9110, 14.2). Raises Refusal (416) where
    the range begins behind the end.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < int(first):
            return None
    if start >= size:
        message = f"The range begins behind the end of the content, which has {size} bytes."
        raise Refusal(416, ErrorCode.UNSUPPORTED, message, headers={"Content-Range": f"bytes */{size}"})
    return start, stop - start


def _tags(store: Store, name: str) -> list[str]:
    # A repository that is known and has never been synced is empty, not missing; the door decides what is known.
    return store.tags(name) if store.has_repository(name) else []


def _tags_answer(name: str, tags: list[str], query: Mapping[str, str]) -> Answer:
    limit = query.get("n")
    if limit is not None and not (limit.isascii() and limit.isdigit() and len(limit) < 10):
        raise Refusal(400, ErrorCode.PAGINATION_NUMBER_INVALID, "n is the number of tags per page: a whole number.")
    page, has_more = page_of_tags(tags, limit=None if limit is None else int(limit), last=query.get("last", ""))
    headers = dict(_JSON)
    if has_more:
        headers["Link"] = f'</v2/{name}/tags/list?{urlencode({"n": limit, "last": page[-1]})}>; rel="next"'
    return _bytes_answer(200, json.dumps({"name": name, "tags": page}).encode(), headers)


def _referrers_answer(referrers: list[Manifest], query: Mapping[str, str]) -> Answer:
    entries, headers = [referrer_entry(referrer) for referrer in referrers], {"Content-Type": OCI_INDEX}
    if wanted := query.get("artifactType"):
        entries = [entry for entry in entries if entry.get("artifactType") == wanted]
        headers["OCI-Filters-Applied"] = "artifactType"
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return _bytes_answer(200, json.dumps(document).encode(), headers)


def _content_answer(store: Store, endpoint: Endpoint, headers: Mapping[str, str], method: str) -> Answer:
    find = store.find_blob if endpoint.kind is Kind.BLOB else store.find_manifest
    found = find(endpoint.name, endpoint.reference)
    if found is None:
        raise _unknown(endpoint)
    etag = f'"{found.digest}"'
    about = {"Content-Type": found.media_type, "Docker-Content-Digest": found.digest, "ETag": etag, **VERSION_HEADERS}
    if _matches(headers.get("If-None-Match", ""), etag):
        return Answer(304, about)
    if endpoint.kind is Kind.BLOB:
        return _blob_answer(found, about, "" if method == "HEAD" else _wanted_range(headers, etag))
    if method == "HEAD":
        return Answer(200, about | {"Content-Length": str(found.size)})
    return _bytes_answer(200, found.read_manifest().content, about)


def _blob_answer(found: StoredContent, about: dict[str, str], wanted: str) -> Answer:
    # Content never changes under its digest.
    about |= {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=31536000, immutable"}
    part = parse_range(wanted, found.size)
    if part is None:
        return Answer(200, about | {"Content-Length": str(found.size)}, file=FilePart(found.path, 0, found.size))
    start, length = part
    about |= {"Content-Range": f"bytes {start}-{start + length - 1}/{found.size}", "Content-Length": str(length)}
    return Answer(206, about, file=FilePart(found.path, start, length))


def _wanted_range(headers: Mapping[str, str], etag: str) -> str:
    if headers.get("If-Range", etag) != etag:
        return ""
    return headers.get("Range", "")


def _matches(header: str, etag: str) -> bool:
    candidates = [candidate.strip().removeprefix("W/") for candidate in header.split(",")]
    return "*" in candidates or etag in candidates


def _unknown(endpoint: Endpoint) -> Refusal:
    if endpoint.kind is Kind.BLOB:
        return Refusal(404, ErrorCode.BLOB_UNKNOWN, f"{endpoint.name} has no blob {endpoint.reference}.")
    return Refusal(404, ErrorCode.MANIFEST_UNKNOWN, f"{endpoint.name} has no manifest {endpoint.reference}.")


def _bytes_answer(status: int, body: bytes, headers: Mapping[str, str]) -> Answer:
    return Answer(status, {**headers, **VERSION_HEADERS, "Content-Length": str(len(body))}, body)
