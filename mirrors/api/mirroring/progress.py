"""…/mirror/progress: how far the sync has come, to be asked for or as server-sent events (ours)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.dates import date
from mirrors.api.endpoint import Endpoint
from mirrors.api.mirroring.lookup import administered_mirror
from mirrors.api.mirroring.mirror_body import STATUS_WORD, sync_status
from mirrors.api.mirroring.progress_stream import SEATS, ProgressStream
from mirrors.api.mirroring.sync_body import SYNC_BODY, sync_body
from mirrors.api.operations import BOOLEAN, DATE, EVENT_STREAM, INTEGER, STRING, answer, array, operation, or_null
from mirrors.models import Mirror, Sync
from mirrors.services.mirroring.mirror_status import MirrorStatus, status_of
from mirrors.services.mirroring.progress import progress_of

PROGRESS = answer(
    {
        "is_active": BOOLEAN,
        "sync_status": STATUS_WORD,
        "next_sync": or_null(DATE),
        "sync": or_null(SYNC_BODY),
        "tags_done": INTEGER,
        "tags_waiting": INTEGER,
        "in_flight": array(answer({"tag": STRING, "bytes_copied": INTEGER, "bytes_expected": INTEGER})),
        "bytes_per_second": or_null(INTEGER),
        "seconds_left": or_null(INTEGER),
    }
)
NOTHING_YET = {"tags_done": 0, "tags_waiting": 0, "in_flight": [], "bytes_per_second": None, "seconds_left": None}


class ProgressEndpoint(Endpoint):
    """GET …/mirror/progress."""

    scopes = {"GET": "repo:admin"}

    @operation("getRepoMirrorProgress", answers={200: PROGRESS, 304: None}, errors=(404,), ours=True)
    def get(self, request: Request, repository: str) -> Response:
        """The sync that is under way, else the last one; 304 where nothing has changed since If-None-Match."""
        body = progress_body(status_of(administered_mirror(request, repository, reading=True)))
        headers = {"ETag": f'"{fingerprint(body)}"'}
        known = [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]
        if headers["ETag"] in known:
            return Response(status=304, headers=headers)
        return Response(body, headers=headers)


class ProgressEventsEndpoint(Endpoint):
    """GET …/mirror/progress/events."""

    scopes = {"GET": "repo:admin"}

    @operation("streamRepoMirrorProgress", answers={200: EVENT_STREAM}, errors=(404, 503), ours=True)
    def get(self, request: Request, repository: str) -> StreamingHttpResponse:
        """The same as events of the kind `progress`, each time something changes; the last is of the kind `end`.

        It ends when no sync is under way, and after five minutes: ask again then. So many at a time are served by each
        process, and further ones get 503 with Retry-After.
        """
        mirror = administered_mirror(request, repository, reading=True)
        SEATS.take()
        response = StreamingHttpResponse(
            ProgressStream(lambda: _seen(mirror), give_back=SEATS.give_back), content_type="text/event-stream"
        )
        response["X-Accel-Buffering"] = "no"  # nginx would hold events back
        return response


def progress_body(status: MirrorStatus) -> dict[str, Any]:
    """The active sync, or the last one; equal bodies while nothing is written."""
    sync: Sync | None = status.active or status.finished
    progress = progress_of(sync) if sync else None
    return {
        "is_active": status.active is not None,
        "sync_status": sync_status(status),
        "next_sync": date(status.mirror.next_sync_at),
        "sync": sync_body(sync) if sync else None,
    } | (
        NOTHING_YET
        if progress is None
        else {
            "tags_done": progress.done,
            "tags_waiting": progress.waiting,
            "in_flight": [
                {"tag": tag, "bytes_copied": copied, "bytes_expected": expected}
                for tag, copied, expected in progress.in_flight
            ],
            "bytes_per_second": progress.speed,
            "seconds_left": progress.seconds_left,
        }
    )


def fingerprint(body: Mapping[str, Any]) -> str:
    """Another one for another body."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]


def _seen(mirror: Mirror) -> dict[str, Any] | None:
    """What is true now; None where the mirror has been removed."""
    fresh = Mirror.objects.select_related("repository__namespace", "robot__namespace").filter(pk=mirror.pk).first()
    return progress_body(status_of(fresh)) if fresh else None
