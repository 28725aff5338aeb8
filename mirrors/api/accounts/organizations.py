"""/v1/organization/…: organizations."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.accounts.teams import TEAM_IN_LIST, team_in_list
from mirrors.api.authentication import caller, has_scope
from mirrors.api.avatars import AVATAR, avatar
from mirrors.api.bodies import boolean, integer, nullable, read_object, text
from mirrors.api.endpoint import Endpoint
from mirrors.api.namespaces import administered_organization
from mirrors.api.operations import BOOLEAN, INTEGER, STRING, answer, array, operation, or_null
from mirrors.models import Namespace
from mirrors.services import access
from mirrors.services.accounts import namespaces, organizations, teams

LONGEST_EXPIRATION = 100 * 365 * 24 * 3600

CREATION = {"name": text, "email": nullable(text), "contact_email": nullable(text)}
CHANGE = {
    "email": nullable(text),
    "contact_email": nullable(text),
    "invoice_email": boolean,
    "invoice_email_address": nullable(text),
    "tag_expiration_s": integer(minimum=0, maximum=LONGEST_EXPIRATION),
}
ORGANIZATION = answer(
    {"name": STRING, "email": STRING, "avatar": AVATAR, "is_admin": BOOLEAN, "is_member": BOOLEAN},
    {
        "teams": {"type": "object", "additionalProperties": TEAM_IN_LIST},
        "ordered_teams": array(STRING),
        "invoice_email": BOOLEAN,
        "invoice_email_address": or_null(STRING),
        "tag_expiration_s": INTEGER,
        "is_free_account": BOOLEAN,
    },
)
CREATED = {"type": "string", "enum": ["Created"]}


class OrganizationsEndpoint(Endpoint):
    """POST /v1/organization/."""

    scopes = {"POST": "user:admin"}

    @operation(
        "createOrganization",
        answers={201: CREATED},
        errors=(400,),
        fields=CREATION,
        required=("name",),
        example={"name": "platform", "email": "platform@example.com"},
    )
    def post(self, request: Request) -> Response:
        """Make an organization; its maker administers it, as a member of its team `owners`."""
        body = read_object(request, CREATION, required=("name",))
        email = body.get("contact_email") or body.get("email") or ""
        organizations.create_organization(body["name"], by=caller(request), email=email)
        return Response("Created", status=201)


class OrganizationEndpoint(Endpoint):
    """GET, PUT, DELETE /v1/organization/{org}; GET is open to everyone."""

    scopes = {"PUT": "org:admin", "DELETE": "org:admin"}

    @operation("getOrganization", answers={200: ORGANIZATION}, errors=(404,))
    def get(self, request: Request, organization: str) -> Response:
        """The name; for its members its teams; for its administrators its e-mail address and settings."""
        return Response(organization_body(request, organizations.find_organization(organization)))

    @operation(
        "changeOrganizationDetails",
        answers={200: ORGANIZATION},
        errors=(400, 404),
        fields=CHANGE,
        example={"email": "platform@example.com", "tag_expiration_s": 86400},
    )
    def put(self, request: Request, organization: str) -> Response:
        """Change what is given. How long deleted tags are kept is stored and shown, and has no effect here."""
        body = read_object(request, CHANGE)
        found = administered_organization(request, organization)
        organizations.change_organization(found, change_values(body))
        return Response(organization_body(request, found))

    @operation("deleteAdminedOrganization", answers={204: None}, errors=(400, 404))
    def delete(self, request: Request, organization: str) -> Response:
        """Remove it for good, with its mirrors, repositories, their content in the built-in store, teams and robots."""
        organizations.delete_organization(administered_organization(request, organization))
        return Response(status=204)


def organization_body(request: Request, organization: Namespace) -> dict[str, Any]:
    """What this caller may know of it."""
    account = request.user if has_scope(request, "org:admin") else None
    is_admin = access.administers_namespace(account, organization)
    is_member = namespaces.is_member(request.user, organization)
    body = {
        "name": organization.name,
        "email": organization.email if is_admin else "",
        "avatar": avatar(organization.name, kind="org"),
        "is_admin": is_admin,
        "is_member": is_member,
    }
    if is_member or access.may_see_namespace_settings(account, organization):
        body |= _teams(request, organization, sees_all=access.may_see_namespace_settings(account, organization))
    return body | (_settings(organization) if is_admin else {})


def change_values(body: dict[str, Any]) -> dict[str, Any]:
    """The columns that the body of a PUT sets."""
    values: dict[str, Any] = {}
    for field in ("email", "contact_email"):  # the second is the newer name of the first
        if field in body:
            values["email"] = body[field] or ""
    if "invoice_email" in body:
        values["invoice_email"] = body["invoice_email"]
    if "invoice_email_address" in body:
        values["invoice_email_address"] = body["invoice_email_address"] or ""
    if "tag_expiration_s" in body:
        values["tag_expiration_seconds"] = body["tag_expiration_s"]
    return values


def _teams(request: Request, organization: Namespace, *, sees_all: bool) -> dict[str, Any]:
    found = list(teams.teams_of(organization))
    own = teams.keys_of(request.user, organization)
    return {
        "teams": {team.name: team_in_list(team, can_view=sees_all or team.pk in own) for team in found},
        "ordered_teams": [team.name for team in found],
    }


def _settings(organization: Namespace) -> dict[str, Any]:
    return {
        "invoice_email": organization.invoice_email,
        "invoice_email_address": organization.invoice_email_address or None,
        "tag_expiration_s": organization.tag_expiration_seconds or 0,
        "is_free_account": True,
    }
