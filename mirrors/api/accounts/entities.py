"""/v1/entities/…: whom a permission, a team or a notification could name."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import has_scope
from mirrors.api.avatars import AVATAR, avatar
from mirrors.api.endpoint import Endpoint
from mirrors.api.operations import BOOLEAN, STRING, answer, array, operation
from mirrors.api.queries import is_true, read_text
from mirrors.errors import NotFound
from mirrors.services.accounts import entities
from mirrors.services.accounts.entities import Entity

ENTITY = answer(
    {
        "name": STRING,
        "kind": {"type": "string", "enum": [kind.value for kind in entities.Kind]},
        "is_robot": BOOLEAN,
        "avatar": AVATAR,
    },
    {"is_org_member": BOOLEAN},
)


class EntitiesEndpoint(Endpoint):
    """GET /v1/entities/{prefix}, open to everyone; what it finds depends on who asks."""

    @operation(
        "getMatchingEntities",
        answers={200: answer({"results": array(ENTITY)})},
        errors=(400,),
        query={
            "namespace": (STRING, "An organization or user: its robots and teams are found too, by those who belong."),
            "includeOrgs": (STRING, "Organizations too."),
            "includeTeams": (STRING, "The namespace's teams too."),
        },
    )
    def get(self, request: Request, prefix: str) -> Response:
        """Accounts whose names begin like this, an exact match first: ten of each kind at most."""
        found = entities.search(
            prefix,
            # A token that may not read who its user is does not find as its user would.
            account=request.user if has_scope(request, "user:read") or has_scope(request, "org:admin") else None,
            namespace_name=read_text(request, "namespace"),
            with_teams=is_true(request, "includeTeams"),
            with_organizations=is_true(request, "includeOrgs"),
        )
        return Response({"results": [_body(entity) for entity in found]})


class EntityLinkEndpoint(Endpoint):
    """POST /v1/entities/link/{name}."""

    scopes = {"POST": "user:admin"}

    @operation("linkExternalUser", answers={}, errors=(404,))
    def post(self, request: Request, external: str) -> Response:
        """404: there is no external directory of users, so a search never finds the kind `external`."""
        raise NotFound(f"There is no external directory of users in which {external} could be: name a user from here.")


def _body(entity: Entity) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": entity.name,
        "kind": entity.kind.value,
        "is_robot": entity.is_robot,
        "avatar": avatar(entity.name, kind="robot" if entity.is_robot else entity.kind.value),
    }
    return body if entity.is_member is None else body | {"is_org_member": entity.is_member}
