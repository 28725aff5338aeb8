"""/v1/organization/{organization}/mirror and what is below it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.bodies import Field, read_object
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import InvalidRequest
from mirrors.api.mirroring.lookup import versions_wanted
from mirrors.api.mirroring.verification import SEATS
from mirrors.api.namespaces import administered_organization
from mirrors.api.operations import BOOLEAN, INTEGER, NOTHING, STRING, answer, operation
from mirrors.api.organization_mirrors.bodies import (
    ORGANIZATION_MIRROR_BODY,
    REPOSITORIES_BODY,
    discovery_body,
    organization_mirror_body,
)
from mirrors.api.organization_mirrors.values import FIELDS, FIELDS_OF_CHANGE, REQUIRED, values_of
from mirrors.api.queries import lenient_number
from mirrors.api.status_words import WORDS, phases_of
from mirrors.models import OrganizationMirror
from mirrors.services.organization_mirrors import (
    organization_discoveries,
    organization_mirrors,
    organization_verification,
)

ROWS, MOST_ROWS = 100, 500
ADMIN = "org:admin"
EXAMPLE = {
    "external_registry_type": "quay",
    "external_registry_url": "https://quay.io",
    "external_namespace": "projectquay",
    "repository_filters": ["quay", "clair*"],
    "robot_username": "acme+mirror",
    "visibility": "private",
    "sync_interval": 86400,
    "sync_start_date": "2026-01-01T00:00:00Z",
}


class OrganizationMirrorEndpoint(Endpoint):
    """GET, POST, PUT, DELETE …/mirror."""

    scopes = dict.fromkeys(("GET", "POST", "PUT", "DELETE"), ADMIN)
    bodies: ClassVar[Mapping[str, tuple[Mapping[str, Field], Collection[str]]]] = {
        "POST": (FIELDS, REQUIRED),
        "PUT": (FIELDS_OF_CHANGE, ()),
    }

    def check_permissions(self, request: Request) -> None:
        """The body first: here Quay refuses one that is wrong before it asks who sends it."""
        method = request.method or ""
        if method in self.bodies:
            fields, required = self.bodies[method]
            self.body: dict[str, Any] = read_object(request, fields, required=required)
        super().check_permissions(request)

    @operation("getOrgMirrorConfig", answers={200: ORGANIZATION_MIRROR_BODY}, errors=(404,))
    def get(self, request: Request, organization: str) -> Response:
        """The configuration and how it is doing; the ETag is for If-Match."""
        found = administered_organization(request, organization, reading=True)
        mirror = organization_mirrors.find_organization_mirror(found)
        return Response(organization_mirror_body(mirror), headers=_version(mirror))

    @operation(
        "createOrgMirrorConfig",
        answers={201: NOTHING},
        errors=(404,),
        fields=FIELDS,
        required=REQUIRED,
        example=EXAMPLE,
    )
    def post(self, request: Request, organization: str) -> Response:
        """Mirror an organization that has no repositories yet."""
        found = administered_organization(request, organization)
        values = values_of(self.body, organization=found)
        mirror = organization_mirrors.create_organization_mirror(found, values)
        return Response("", status=201, headers=_version(mirror))

    @operation(
        "updateOrgMirrorConfig",
        answers={200: NOTHING},
        errors=(404, 412),
        fields=FIELDS_OF_CHANGE,
        example={"repository_filters": ["quay"]},
    )
    def put(self, request: Request, organization: str) -> Response:
        """Change what is given and nothing else; external_registry_config is replaced whole."""
        found = administered_organization(request, organization)
        mirror = organization_mirrors.find_organization_mirror(found)
        values = values_of(self.body, organization=found, mirror=mirror)
        versions = versions_wanted(request)
        mirror = organization_mirrors.change_organization_mirror(found, values, versions=versions)
        return Response("", headers=_version(mirror))

    @operation("deleteOrgMirrorConfig", answers={204: None}, errors=(404, 412))
    def delete(self, request: Request, organization: str) -> Response:
        """Stop mirroring the organization; its repositories are NORMAL again and keep their content."""
        found = administered_organization(request, organization)
        organization_mirrors.delete_organization_mirror(found, versions=versions_wanted(request))
        return Response(status=204)


class SyncNowEndpoint(Endpoint):
    """POST …/mirror/sync-now, with or without a body."""

    scopes = {"POST": ADMIN}

    @operation("syncOrgMirrorNow", answers={204: None}, errors=(400, 404))
    def post(self, request: Request, organization: str) -> Response:
        """Store the request for a sync of the whole organization; 400 while one is under way."""
        organization_mirrors.request_discovery(administered_organization(request, organization))
        return Response(status=204)


class SyncCancelEndpoint(Endpoint):
    """POST …/mirror/sync-cancel, with or without a body."""

    scopes = {"POST": ADMIN}

    @operation("cancelOrgMirrorSync", answers={204: None}, errors=(400, 404))
    def post(self, request: Request, organization: str) -> Response:
        """Stop the sync of the whole organization, whatever it is doing; 400 where it is cancelled already."""
        organization_mirrors.cancel_discovery(administered_organization(request, organization))
        return Response(status=204)


class VerifyEndpoint(Endpoint):
    """POST …/mirror/verify, with or without a body."""

    scopes = {"POST": ADMIN}

    @operation(
        "verifyOrgMirrorConnection",
        answers={200: answer({"success": BOOLEAN, "message": STRING})},
        errors=(404, 503),
    )
    def post(self, request: Request, organization: str) -> Response:
        """Ask the source, with the stored credentials, whether its organization can be read; 200 also where not."""
        found = administered_organization(request, organization)
        mirror = organization_mirrors.find_organization_mirror(found)
        with SEATS.taken():
            verdict = organization_verification.verify(mirror)
        return Response({"success": verdict.success, "message": verdict.message})


class RepositoriesEndpoint(Endpoint):
    """GET …/mirror/repositories?page&limit&status."""

    scopes = {"GET": ADMIN}

    @operation(
        "listOrgMirrorRepositories",
        answers={200: REPOSITORIES_BODY},
        errors=(400, 404),
        query={
            "page": (INTEGER, "From 1; what is no such number counts as 1."),
            "limit": (INTEGER, f"Rows of a page, {ROWS} where it is not given, {MOST_ROWS} at most."),
            "status": (STRING, f"Only those of this sync_status: {', '.join(WORDS)}, in any case."),
        },
    )
    def get(self, request: Request, organization: str) -> Response:
        """What was discovered, by name."""
        found = administered_organization(request, organization, reading=True)
        mirror = organization_mirrors.find_organization_mirror(found)
        page = lenient_number(request, "page", default=1)
        limit = lenient_number(request, "limit", default=ROWS, maximum=MOST_ROWS)
        word = request.query_params.get("status", "").upper()
        phases = phases_of(word) if word else None
        if word and not phases:
            raise InvalidRequest(f"Invalid status. Valid statuses are {', '.join(WORDS)}.")
        rows, total = organization_discoveries.discoveries(
            mirror, phases=phases, offset=(page - 1) * limit, limit=limit
        )
        body = {"page": page, "limit": limit, "total": total, "has_next": page * limit < total}
        return Response({"repositories": [discovery_body(row) for row in rows]} | body)


def _version(mirror: OrganizationMirror) -> dict[str, str]:
    return {"ETag": f'"{organization_mirrors.version_of(mirror)}"'}
