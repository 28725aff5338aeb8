"""…/mirror/sync-now, sync-cancel and syncs: asking for a sync, stopping one, and what became of them."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import caller
from mirrors.api.endpoint import Endpoint
from mirrors.api.mirroring.lookup import administered_mirror
from mirrors.api.mirroring.sync_body import SYNC_BODY, SYNC_PROPERTIES, TAG_BODY, sync_body, tag_body
from mirrors.api.operations import INTEGER, STRING, answer, array, operation
from mirrors.api.queries import read_choice, read_number
from mirrors.models.sync import Status, Trigger
from mirrors.services.mirroring import history
from mirrors.services.syncs import syncs

SYNCS_PER_PAGE, MOST_SYNCS = 20, 100
TAGS_PER_PAGE, MOST_TAGS = 100, 1000
NEXT_PAGE = {"next_page": STRING}


class SyncNowEndpoint(Endpoint):
    """POST …/mirror/sync-now, with or without a body."""

    scopes = {"POST": "repo:admin"}

    @operation("syncNow", answers={204: None}, errors=(400, 404))
    def post(self, request: Request, repository: str) -> Response:
        """Queue a sync; 404 while one is running."""
        syncs.request_sync(administered_mirror(request, repository), by=caller(request))
        return Response(status=204)


class SyncCancelEndpoint(Endpoint):
    """POST …/mirror/sync-cancel, with or without a body."""

    scopes = {"POST": "repo:admin"}

    @operation("syncCancel", answers={204: None}, errors=(404,))
    def post(self, request: Request, repository: str) -> Response:
        """Stop the sync that is queued or running; 404 when there is none."""
        syncs.cancel_sync(administered_mirror(request, repository), by=caller(request))
        return Response(status=204)


class SyncsEndpoint(Endpoint):
    """GET …/mirror/syncs: the history (ours)."""

    scopes = {"GET": "repo:admin"}

    @operation(
        "listRepoMirrorSyncs",
        answers={200: answer({"syncs": array(SYNC_BODY)}, NEXT_PAGE)},
        errors=(400, 404),
        query={
            "limit": ({**INTEGER, "minimum": 1}, f"Syncs per page; {SYNCS_PER_PAGE}, and {MOST_SYNCS} at most."),
            "next_page": (STRING, "The next_page of the answer before."),
            "status": ({"type": "string", "enum": list(Status)}, "Only syncs in this status."),
            "trigger": ({"type": "string", "enum": list(Trigger)}, "Only syncs that exist because of this."),
        },
        ours=True,
    )
    def get(self, request: Request, repository: str) -> Response:
        """Newest first; `next_page` is missing on the last page."""
        limit = read_number(request, "limit", default=SYNCS_PER_PAGE, maximum=MOST_SYNCS)
        before = read_number(request, "next_page", default=0)
        status, trigger = read_choice(request, "status", list(Status)), read_choice(request, "trigger", list(Trigger))
        mirror = administered_mirror(request, repository, reading=True)
        found = history.recent_syncs(mirror, limit=limit + 1, before=before, status=status, trigger=trigger)
        return Response({"syncs": [sync_body(sync) for sync in found[:limit]], **_next_page(found, limit=limit)})


class SyncEndpoint(Endpoint):
    """GET …/mirror/syncs/{id}: one sync and its tags (ours)."""

    scopes = {"GET": "repo:admin"}

    @operation(
        "getRepoMirrorSync",
        answers={200: answer({**SYNC_PROPERTIES, "tags": array(TAG_BODY)}, NEXT_PAGE)},
        errors=(400, 404),
        query={
            "limit": ({**INTEGER, "minimum": 1}, f"Tags per page; {TAGS_PER_PAGE}, and {MOST_TAGS} at most."),
            "next_page": (STRING, "The next_page of the answer before."),
        },
        ours=True,
    )
    def get(self, request: Request, repository: str, sync_id: int) -> Response:
        """The tags in the order they were recorded; `next_page` is missing on the last page."""
        limit = read_number(request, "limit", default=TAGS_PER_PAGE, maximum=MOST_TAGS)
        after = read_number(request, "next_page", default=0, signed=True)
        sync = history.find_sync(administered_mirror(request, repository, reading=True), sync_id)
        found = history.recorded_tags(sync, limit=limit + 1, after=after)
        tags = [tag_body(tag) for tag in found[:limit]]
        return Response(sync_body(sync) | {"tags": tags} | _next_page(found, limit=limit))


def _next_page(found: list[Any], *, limit: int) -> dict[str, str]:
    """The page's last id where one more row was found than the page holds."""
    return {"next_page": str(found[limit - 1].pk)} if len(found) > limit else {}
