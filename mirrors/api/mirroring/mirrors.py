"""/v1/repository/{repository}/mirror: the configuration of one repository's mirroring."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.bodies import read_object
from mirrors.api.endpoint import Endpoint, require_role
from mirrors.api.errors import Conflict
from mirrors.api.mirroring.lookup import (
    ADMIN,
    administered_mirror,
    administered_repository,
    entity_tag,
    versions_wanted,
)
from mirrors.api.mirroring.mirror_body import MIRROR_BODY, mirror_body
from mirrors.api.mirroring.mirror_values import FIELDS, REQUIRED, values_for_change, values_for_creation
from mirrors.api.operations import NOTHING, operation
from mirrors.errors import AlreadyExists
from mirrors.services.mirroring import mirrors
from mirrors.services.mirroring.mirror_status import status_of

EXAMPLE = {
    "external_reference": "quay.io/prometheus/busybox",
    "sync_start_date": "2026-01-01T00:00:00Z",
    "sync_interval": 86400,
    "robot_username": "acme+mirror",
    "root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["latest", "v1.*"]},
    "external_registry_config": {"verify_tls": True},
}


class MirrorEndpoint(Endpoint):
    """GET, POST, PUT, DELETE …/mirror."""

    scopes = dict.fromkeys(("GET", "POST", "PUT", "DELETE"), "repo:admin")

    @operation("getRepoMirrorConfig", answers={200: MIRROR_BODY}, errors=(404,))
    def get(self, request: Request, repository: str) -> Response:
        """The configuration and how it is doing; the ETag is that of the configuration, for If-Match."""
        mirror = administered_mirror(request, repository, reading=True)
        return Response(mirror_body(status_of(mirror)), headers={"ETag": entity_tag(mirror)})

    @operation(
        "createRepoMirrorConfig",
        answers={201: NOTHING},
        errors=(404, 409),
        fields=FIELDS,
        required=REQUIRED,
        example=EXAMPLE,
    )
    def post(self, request: Request, repository: str) -> Response:
        """Set up mirroring; the repository turns into the MIRROR state."""
        require_role(request, repository, role=ADMIN)
        body = read_object(request, FIELDS, required=REQUIRED)
        found = administered_repository(request, repository)
        mirrors.check_manageable(found)
        try:
            mirrors.check_not_mirrored(found)
            mirror = mirrors.create_mirror(found, values_for_creation(body))
        except AlreadyExists as error:
            raise Conflict(error.message) from error
        return Response("", status=201, headers={"ETag": entity_tag(mirror)})

    @operation(
        "changeRepoMirrorConfig",
        answers={201: NOTHING},
        errors=(404, 412),
        fields=FIELDS,
        example={"root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["v2.*"]}},
    )
    def put(self, request: Request, repository: str) -> Response:
        """Change what is given and nothing else; with If-Match only if nobody has changed it meanwhile."""
        require_role(request, repository, role=ADMIN)
        body = read_object(request, FIELDS)
        found = administered_repository(request, repository)
        mirrors.check_manageable(found)
        mirror = mirrors.find_mirror(found)
        values = values_for_change(body, mirror=mirror)
        mirror = mirrors.change_mirror(mirror, values, versions=versions_wanted(request))
        return Response("", status=201, headers={"ETag": entity_tag(mirror)})

    @operation("deleteRepoMirrorConfig", answers={204: None}, errors=(400, 404, 412), ours=True)
    def delete(self, request: Request, repository: str) -> Response:
        """Stop mirroring for good: a running sync stops, its history goes, the content stays, the state is NORMAL."""
        mirror = administered_mirror(request, repository)
        mirrors.delete_mirror(mirror, versions=versions_wanted(request))
        return Response(status=204)
