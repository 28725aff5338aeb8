"""POST …/exportlogs, and GET …/exportlogs/{export_id}: all entries of a period as a file.

Quay gathers the file in the background and mails its address, or calls a URL with it. Here the file is made while it
is fetched, so nothing has to be sent, stored or cleaned up: the export_id holds what was asked for, signed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.bodies import Field, nullable, read_optional_object, text
from mirrors.api.dates import date
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import InvalidRequest, NoSuchRoute
from mirrors.api.logs import places
from mirrors.api.logs.periods import PERIOD, read_period
from mirrors.api.operations import STRING, Method, answer, operation
from mirrors.api.seats import Seated, Seats
from mirrors.models import LogEntry
from mirrors.services.logs import logs

SEATS = Seats(2, what="downloads of logs", retry_after=30)
VALID_FOR = timedelta(days=2)
MEDIA_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv"}
COLUMNS = ("datetime", "kind", "namespace", "repository", "performer", "ip", "metadata")


def _callback_url(value: Any, name: str) -> str:
    url: str = text(value, name)
    if url and not url.startswith(("https://", "http://")):
        raise InvalidRequest("Invalid callback URL")
    return url


def _callback_email(value: Any, name: str) -> str:
    email: str = text(value, name)
    if email and "@" not in email:
        raise InvalidRequest("Invalid callback e-mail")
    return email


FIELDS = {
    "callback_url": nullable(Field(_callback_url, {"type": "string"})),
    "callback_email": nullable(Field(_callback_email, {"type": "string"})),
}


def _exporting(nickname: str, *, errors: tuple[int, ...] = (), ours: bool = False) -> Callable[[Method], Method]:
    return operation(
        nickname,
        answers={200: answer({"export_id": STRING, "url": STRING})},
        errors=(400, *errors),
        fields=FIELDS,
        optional_body=True,
        query=PERIOD,
        ours=ours,
        example={"callback_email": "ada@example.com"},
    )


def _downloading(nickname: str) -> Callable[[Method], Method]:
    return operation(
        nickname,
        answers={200: {"oneOf": [{"type": "string", "contentMediaType": kind} for kind in MEDIA_TYPES.values()]}},
        errors=(400, 404, 503),
        query={"format": ({"enum": list(MEDIA_TYPES)}, "JSON lines (the default), or CSV with a line of headings.")},
        ours=True,
    )


class RepositoryExports(Endpoint):
    """POST /v1/repository/{repository}/exportlogs."""

    scopes = {"POST": "repo:admin"}

    @_exporting("exportRepoLogs", errors=(404,))
    def post(self, request: Request, repository: str) -> Response:
        """Prepare the repository's logs of a period for download. The `url` of the answer gives them, for two days."""
        return _export(request, places.repository_place(request, repository, reading=False))


class RepositoryExport(Endpoint):
    """GET /v1/repository/{repository}/exportlogs/{export_id}."""

    scopes = {"GET": "repo:admin"}

    @_downloading("downloadRepoLogs")
    def get(self, request: Request, repository: str, export_id: str) -> StreamingHttpResponse:
        """The exported logs, newest first."""
        return _download(request, places.repository_place(request, repository), export_id)


class OrganizationExports(Endpoint):
    """POST /v1/organization/{orgname}/exportlogs."""

    scopes = {"POST": "org:admin"}

    @_exporting("exportOrgLogs", errors=(404,))
    def post(self, request: Request, orgname: str) -> Response:
        """Prepare an organization's logs of a period for download. The `url` of the answer gives them, for two days."""
        return _export(request, places.organization_place(request, orgname, reading=False))


class OrganizationExport(Endpoint):
    """GET /v1/organization/{orgname}/exportlogs/{export_id}."""

    scopes = {"GET": "org:admin"}

    @_downloading("downloadOrgLogs")
    def get(self, request: Request, orgname: str, export_id: str) -> StreamingHttpResponse:
        """The exported logs, newest first."""
        return _download(request, places.organization_place(request, orgname), export_id)


class UserExports(Endpoint):
    """POST /v1/user/exportlogs."""

    scopes = {"POST": "user:admin"}

    @_exporting("exportUserLogs")
    def post(self, request: Request) -> Response:
        """Prepare the caller's own logs of a period for download. The `url` of the answer gives them, for two days."""
        return _export(request, places.user_place(request))


class UserExport(Endpoint):
    """GET /v1/user/exportlogs/{export_id}."""

    scopes = {"GET": "user:admin"}

    @_downloading("downloadUserLogs")
    def get(self, request: Request, export_id: str) -> StreamingHttpResponse:
        """The exported logs, newest first."""
        return _download(request, places.user_place(request), export_id)


class AllExports(Endpoint):
    """POST /v1/superuser/exportlogs."""

    scopes = {"POST": "super:user"}

    @_exporting("exportAllLogs", ours=True)
    def post(self, request: Request) -> Response:
        """Prepare the whole farm's logs of a period for download. The `url` of the answer gives them, for two days."""
        return _export(request, places.whole_farm(request, reading=False))


class AllExport(Endpoint):
    """GET /v1/superuser/exportlogs/{export_id}."""

    scopes = {"GET": "super:user"}

    @_downloading("downloadAllLogs")
    def get(self, request: Request, export_id: str) -> StreamingHttpResponse:
        """The exported logs, newest first."""
        return _download(request, places.whole_farm(request), export_id)


def _export(request: Request, place: places.Place) -> Response:
    body, period = read_optional_object(request, FIELDS), read_period(request)
    entries = logs.selected(place.entries, start=period.start, end=period.end)
    asked = [period.start.isoformat(), period.end.isoformat(), logs.last_id(entries)]
    export_id = signing.dumps(asked, salt=_salt(place))
    place.record_export(url=body.get("callback_url"), email=body.get("callback_email"))
    path = request.path.rstrip("/")
    return Response({"export_id": export_id, "url": request.build_absolute_uri(f"{path}/{export_id}")})


def _download(request: Request, place: places.Place, export_id: str) -> StreamingHttpResponse:
    wanted = request.query_params.get("format", "jsonl")
    if wanted not in MEDIA_TYPES:
        raise InvalidRequest("format in the query must be jsonl or csv.")
    try:
        start, end, until = signing.loads(export_id, salt=_salt(place), max_age=VALID_FOR)
    except signing.BadSignature as error:
        raise NoSuchRoute(
            "There is no such export here, or it is older than two days: export the logs again."
        ) from error
    entries = logs.selected(place.entries, start=datetime.fromisoformat(start), end=datetime.fromisoformat(end))
    rows = (_row(entry) for entry in logs.in_chunks(entries, until=until))
    lines = _csv(rows) if wanted == "csv" else (json.dumps(row) + "\n" for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="logs.{wanted}"', "X-Content-Type-Options": "nosniff"}
    SEATS.take()
    return StreamingHttpResponse(
        Seated(lines, give_back=SEATS.give_back), content_type=MEDIA_TYPES[wanted], headers=headers
    )


def _row(entry: LogEntry) -> dict[str, Any]:
    values = (
        date(entry.created_at),
        entry.kind,
        entry.namespace_name or None,
        entry.repository_name or None,
        entry.performer_name or None,
        entry.ip,
        entry.metadata,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _csv(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS)
    writer.writeheader()
    yield buffer.getvalue()
    for row in rows:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(row | {"metadata": json.dumps(row["metadata"])})
        yield buffer.getvalue()


def _salt(place: places.Place) -> str:
    return f"mirrors.api.logs.exports:{place.name}"
