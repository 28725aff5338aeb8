"""/v1/user/ and /v1/organization/…: who calls, and organizations."""

from __future__ import annotations

import hashlib
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import caller, has_scope
from mirrors.api.bodies import nullable, read_object, text
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import NotSignedIn
from mirrors.errors import NotFound
from mirrors.models import Namespace, User
from mirrors.services import access, namespaces

AVATAR_COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#17becf")


class UserEndpoint(Endpoint):
    """GET /v1/user/: the account behind the token or session."""

    scopes = {"GET": "user:read"}

    def check_permissions(self, request: Request) -> None:
        """Quay's 401 here has one key more."""
        if not request.user.is_authenticated:
            raise NotSignedIn("Requires authentication", session_required=False)
        super().check_permissions(request)

    def get(self, request: Request) -> Response:
        """The account and the organizations it belongs to."""
        user = caller(request)
        organizations = namespaces.organizations_of(user)
        return Response(
            {
                "anonymous": False,
                "username": user.username,
                "email": user.email,
                "avatar": avatar(user.username, kind="user"),
                "organizations": [_membership_body(organization, user) for organization in organizations],
                "super_user": user.is_superuser,
                "verified": True,
                "can_create_repo": True,
                "is_me": True,
            }
        )


class OrganizationsEndpoint(Endpoint):
    """POST /v1/organization/."""

    scopes = {"POST": "user:admin"}

    def post(self, request: Request) -> Response:
        """Make an organization; its maker administers it."""
        fields = {"name": text, "email": nullable(text)}
        body = read_object(request, fields, required=("name",))
        namespaces.create_organization(body["name"], by=caller(request), email=body.get("email") or "")
        return Response("Created", status=201)


class OrganizationEndpoint(Endpoint):
    """GET /v1/organization/{org}, open to everyone."""

    def get(self, request: Request, organization: str) -> Response:
        """The name; the e-mail address only for its administrators."""
        found = find_organization(organization)
        user = request.user if has_scope(request, "org:admin") else None
        is_admin = access.administers_namespace(user, found)
        return Response(
            {
                "name": found.name,
                "email": found.email if is_admin else "",
                "avatar": avatar(found.name, kind="org"),
                "is_admin": is_admin,
                "is_member": namespaces.is_member(request.user, found),
            }
        )


def find_organization(name: str) -> Namespace:
    """The organization; NotFound also for a user's own namespace."""
    found = namespaces.find_namespace(name)
    if found.kind != Namespace.Kind.ORGANIZATION:
        raise NotFound(f"There is no organization named {name}: it is a user's own namespace.")
    return found


def avatar(name: str, *, kind: str) -> dict[str, str]:
    """What Quay's clients draw for an account: a letter on a colour that follows from the name."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    color = AVATAR_COLORS[int(digest[:8], 16) % len(AVATAR_COLORS)]
    return {"name": name, "hash": digest, "color": color, "kind": kind}


def _membership_body(organization: Namespace, user: User) -> dict[str, Any]:
    return {
        "name": organization.name,
        "avatar": avatar(organization.name, kind="org"),
        "can_create_repo": access.may_create_repository(user, organization),
        "is_org_admin": access.administers_namespace(user, organization),
    }
