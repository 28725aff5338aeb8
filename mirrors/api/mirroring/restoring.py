"""…/mirror/tags/{tag}/restore and kept: putting back what was deleted (ours)."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import caller
from mirrors.api.bodies import nullable, read_optional_object, text
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import Conflict
from mirrors.api.mirroring.lookup import administered_mirror
from mirrors.api.mirroring.sync_body import SYNC_BODY, sync_body
from mirrors.api.operations import operation
from mirrors.errors import AlreadyExists, AlreadySyncing
from mirrors.services.mirroring import restoring

FIELDS = {"manifest_digest": nullable(text)}


class RestoreEndpoint(Endpoint):
    """POST …/mirror/tags/{tag}/restore, with or without a body."""

    scopes = {"POST": "repo:admin"}

    @operation(
        "restoreRepoMirrorTag",
        answers={202: SYNC_BODY},
        errors=(404, 409),
        fields=FIELDS,
        optional_body=True,
        ours=True,
        example={"manifest_digest": "sha256:" + "0" * 64},
    )
    def post(self, request: Request, repository: str, tag: str) -> Response:
        """Have a worker put back a tag that a sync has deleted; answers with the sync that does it.

        Without a digest it gets the one that it had when it was deleted. Once it is back it is kept, whether a pattern
        selects it or not.
        """
        mirror = administered_mirror(request, repository)
        digest = read_optional_object(request, FIELDS).get("manifest_digest") or ""
        try:
            sync = restoring.request_restore(mirror, tag, digest=digest, by=caller(request))
        except (AlreadyExists, AlreadySyncing) as error:
            raise Conflict(error.message) from error
        address = f"/api/v1/repository/{mirror.repository.full_name}/mirror/syncs/{sync.pk}"
        return Response(sync_body(sync), status=202, headers={"Location": address})


class KeptTagEndpoint(Endpoint):
    """DELETE …/mirror/tags/{tag}/kept."""

    scopes = {"DELETE": "repo:admin"}

    @operation("releaseRepoMirrorTag", answers={204: None}, errors=(404,), ours=True)
    def delete(self, request: Request, repository: str, tag: str) -> Response:
        """Keep a restored tag no longer: the next sync deletes it unless a pattern selects it."""
        restoring.let_go(administered_mirror(request, repository), tag)
        return Response(status=204)
