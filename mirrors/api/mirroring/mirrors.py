"""/v1/repository/{repository}/mirror: the mirroring of one repository."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import caller
from mirrors.api.bodies import read_number, read_object
from mirrors.api.endpoint import Endpoint, require_role
from mirrors.api.errors import Conflict
from mirrors.api.mirroring.mirror_body import mirror_body
from mirrors.api.mirroring.mirror_values import FIELDS, REQUIRED, values_for_change, values_for_creation
from mirrors.api.mirroring.sync_body import sync_body, tag_body
from mirrors.errors import AlreadyExists
from mirrors.models import Mirror
from mirrors.models.repository import RepositoryPermission
from mirrors.services import access, history, mirrors, syncs
from mirrors.services.mirror_status import status_of

ADMIN = RepositoryPermission.Role.ADMIN
SYNCS_PER_PAGE = 20
TAGS_PER_PAGE = 100


class MirrorEndpoint(Endpoint):
    """GET, POST, PUT. A mirror cannot be deleted here: disable it."""

    scopes = {"GET": "repo:admin", "POST": "repo:admin", "PUT": "repo:admin"}

    def get(self, request: Request, repository: str) -> Response:
        """The configuration and how it is doing."""
        return Response(mirror_body(status_of(_administered_mirror(request, repository))))

    def post(self, request: Request, repository: str) -> Response:
        """Set up mirroring."""
        require_role(request, repository, role=ADMIN)
        body = read_object(request, FIELDS, required=REQUIRED)
        found = access.find_repository(repository, account=request.user, administer=True)
        try:
            mirrors.check_not_mirrored(found)
            mirrors.create_mirror(found, values_for_creation(body))
        except AlreadyExists as error:
            raise Conflict(error.message) from error
        return Response("", status=201)

    def put(self, request: Request, repository: str) -> Response:
        """Change what is given and nothing else."""
        require_role(request, repository, role=ADMIN)
        body = read_object(request, FIELDS)
        mirror = _administered_mirror(request, repository)
        mirrors.change_mirror(mirror, values_for_change(body, mirror=mirror))
        return Response("", status=201)


class SyncNowEndpoint(Endpoint):
    """POST …/mirror/sync-now, with or without a body."""

    scopes = {"POST": "repo:admin"}

    def post(self, request: Request, repository: str) -> Response:
        """Queue a sync; 404 while one is running."""
        syncs.request_sync(_administered_mirror(request, repository), by=caller(request))
        return Response(status=204)


class SyncCancelEndpoint(Endpoint):
    """POST …/mirror/sync-cancel, with or without a body."""

    scopes = {"POST": "repo:admin"}

    def post(self, request: Request, repository: str) -> Response:
        """Stop the sync that is queued or running; 404 when there is none."""
        syncs.cancel_sync(_administered_mirror(request, repository), by=caller(request))
        return Response(status=204)


class SyncsEndpoint(Endpoint):
    """GET …/mirror/syncs?limit&next_page: the history (ours)."""

    scopes = {"GET": "repo:admin"}

    def get(self, request: Request, repository: str) -> Response:
        """Newest first; `next_page` is missing on the last page."""
        limit = read_number(request, "limit", default=SYNCS_PER_PAGE, maximum=100)
        before = read_number(request, "next_page", default=0)
        mirror = _administered_mirror(request, repository)
        found = history.recent_syncs(mirror, limit=limit + 1, before=before)
        return Response({"syncs": [sync_body(sync) for sync in found[:limit]], **_next_page(found, limit=limit)})


class SyncEndpoint(Endpoint):
    """GET …/mirror/syncs/{id}?limit&next_page: one sync and its tags (ours)."""

    scopes = {"GET": "repo:admin"}

    def get(self, request: Request, repository: str, sync_id: int) -> Response:
        """The tags in the order they were recorded; `next_page` is missing on the last page."""
        limit = read_number(request, "limit", default=TAGS_PER_PAGE, maximum=1000)
        after = read_number(request, "next_page", default=0, signed=True)
        sync = history.find_sync(_administered_mirror(request, repository), sync_id)
        found = history.recorded_tags(sync, limit=limit + 1, after=after)
        tags = [tag_body(tag) for tag in found[:limit]]
        return Response(sync_body(sync) | {"tags": tags} | _next_page(found, limit=limit))


def _administered_mirror(request: Request, repository: str) -> Mirror:
    require_role(request, repository, role=ADMIN)
    return mirrors.find_mirror(access.find_repository(repository, account=request.user, administer=True))


def _next_page(found: list[Any], *, limit: int) -> dict[str, str]:
    """The page's last id where one more row was found than the page holds."""
    return {"next_page": str(found[limit - 1].pk)} if len(found) > limit else {}
