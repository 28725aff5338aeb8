"""/v1/organization/{org}/applications/…: OAuth applications, and the tokens made in their names."""

from __future__ import annotations

from typing import Any

from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import caller, has_scope
from mirrors.api.bodies import integer, nullable, read_object, text
from mirrors.api.dates import date
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import InsufficientScope
from mirrors.api.mirroring.mirror_body import readable
from mirrors.api.namespaces import administered_organization, readable_organization
from mirrors.api.operations import DATE, STRING, answer, array, operation, or_null
from mirrors.api.paging import NEXT_PAGE, next_page_token, read_next_page
from mirrors.models import AccessToken, Application
from mirrors.services import access
from mirrors.services.accounts import access_tokens, applications

FIELDS = {
    "name": text,
    "description": nullable(text),
    "application_uri": nullable(text),
    "redirect_uri": nullable(text),
    "avatar_email": nullable(text),
}
CHANGE_REQUIRES = ("name", "redirect_uri", "application_uri")
TOKEN_FIELDS = {"name": text, "scope": text, "expiration": integer(minimum=1)}
PAGE_SIZE = 50

APPLICATION = answer(
    {
        "name": STRING,
        "description": STRING,
        "application_uri": STRING,
        "client_id": STRING,
        "client_secret": or_null(STRING),
        "redirect_uri": STRING,
        "avatar_email": or_null(STRING),
    }
)
TOKEN = answer(
    {
        "uuid": STRING,
        "name": STRING,
        "scope": STRING,
        "expires_at": or_null(DATE),
        "created": DATE,
        "created_by": STRING,
        "last_accessed": or_null(DATE),
    },
    {"token": STRING},
)


class ApplicationsEndpoint(Endpoint):
    """GET, POST /v1/organization/{org}/applications."""

    scopes = {"GET": "org:admin", "POST": "org:admin"}

    @operation(
        "getOrganizationApplications", answers={200: answer({"applications": array(APPLICATION)})}, errors=(404,)
    )
    def get(self, request: Request, organization: str) -> Response:
        """Every application of the organization; their secrets are shown to its administrators alone."""
        found = readable_organization(request, organization)
        with_secrets = access.administers_namespace(request.user, found)
        shown = [_application_body(each, with_secret=with_secrets) for each in applications.applications_of(found)]
        return Response({"applications": shown})

    @operation(
        "createOrganizationApplication",
        answers={200: APPLICATION},
        errors=(400, 404),
        fields=FIELDS,
        required=("name",),
        example={"name": "deployments", "redirect_uri": "https://ci.example.com/oauth"},
    )
    def post(self, request: Request, organization: str) -> Response:
        """Make an application; the answer is 200, as Quay's."""
        values = _values(read_object(request, FIELDS, required=("name",)))
        found = administered_organization(request, organization)
        return Response(_application_body(applications.create_application(found, values)))


class ApplicationEndpoint(Endpoint):
    """GET, PUT, DELETE …/applications/{client id}."""

    scopes = {"GET": "org:admin", "PUT": "org:admin", "DELETE": "org:admin"}

    @operation("getOrganizationApplication", answers={200: APPLICATION}, errors=(404,))
    def get(self, request: Request, organization: str, client_id: str) -> Response:
        """One application; its secret is shown to administrators alone."""
        found = readable_organization(request, organization)
        with_secret = access.administers_namespace(request.user, found)
        return Response(_application_body(applications.find_application(found, client_id), with_secret=with_secret))

    @operation(
        "updateOrganizationApplication",
        answers={200: APPLICATION},
        errors=(400, 404),
        fields=FIELDS,
        required=CHANGE_REQUIRES,
        example={"name": "deployments", "redirect_uri": "", "application_uri": "https://ci.example.com"},
    )
    def put(self, request: Request, organization: str, client_id: str) -> Response:
        """Change it; a description or an e-mail address that is left out is emptied, as in Quay."""
        values = _values(read_object(request, FIELDS, required=CHANGE_REQUIRES))
        application = _administered(request, organization, client_id)
        everything = {"description": "", "avatar_email": ""} | values
        return Response(_application_body(applications.change_application(application, everything)))

    @operation("deleteOrganizationApplication", answers={204: None}, errors=(404,))
    def delete(self, request: Request, organization: str, client_id: str) -> Response:
        """Remove it and all its tokens."""
        applications.delete_application(_administered(request, organization, client_id))
        return Response(status=204)


class ClientSecretEndpoint(Endpoint):
    """POST …/applications/{client id}/resetclientsecret."""

    scopes = {"POST": "org:admin"}

    @operation("resetOrganizationApplicationClientSecret", answers={200: APPLICATION}, errors=(404,))
    def post(self, request: Request, organization: str, client_id: str) -> Response:
        """Give it a new secret."""
        application = _administered(request, organization, client_id)
        return Response(_application_body(applications.reset_client_secret(application)))


class ApplicationTokensEndpoint(Endpoint):
    """GET, POST …/applications/{client id}/tokens."""

    scopes = {"GET": "org:admin", "POST": "org:admin"}

    @operation(
        "listOrganizationApplicationTokens",
        answers={200: answer({"tokens": array(TOKEN)}, {"next_page": STRING})},
        errors=(400, 404),
        query={"next_page": NEXT_PAGE},
    )
    def get(self, request: Request, organization: str, client_id: str) -> Response:
        """The application's tokens, the newest first, never their texts."""
        application = applications.find_application(readable_organization(request, organization), client_id)
        list_name = f"tokens of {client_id}"
        before = read_next_page(request, of=list_name)
        tokens = applications.tokens_of(application)
        page = list((tokens if before is None else tokens.filter(pk__lt=before))[: PAGE_SIZE + 1])
        body: dict[str, Any] = {"tokens": [_token_body(token) for token in page[:PAGE_SIZE]]}
        if len(page) > PAGE_SIZE:
            body["next_page"] = next_page_token(page[PAGE_SIZE - 1].pk, of=list_name)
        return Response(body)

    @operation(
        "createOrganizationApplicationToken",
        answers={200: TOKEN},
        errors=(400, 404),
        fields=TOKEN_FIELDS,
        required=("name", "scope"),
        example={"name": "nightly build", "scope": "repo:read repo:write", "expiration": 2592000},
    )
    @sensitive_variables("text", "body")
    def post(self, request: Request, organization: str, client_id: str) -> Response:
        """Make a token that acts as the caller, and show it this once. It gets no scope that the caller lacks."""
        body = read_object(request, TOKEN_FIELDS, required=("name", "scope"))
        application = _administered(request, organization, client_id)
        scopes = access_tokens.scopes_in(body["scope"])
        lacking = [scope for scope in scopes if not has_scope(request, scope)]
        if lacking:
            raise InsufficientScope(f"Unauthorized: your own token lacks {', '.join(lacking)}, so it cannot give that.")
        token, text = applications.issue_token(
            application, to=caller(request), scopes=scopes, name=body["name"].strip(), lifetime=body.get("expiration")
        )
        return Response(_token_body(token) | {"token": text})


class ApplicationTokenEndpoint(Endpoint):
    """DELETE …/applications/{client id}/tokens/{uuid}."""

    scopes = {"DELETE": "org:admin"}

    @operation("deleteOrganizationApplicationToken", answers={204: None}, errors=(404,))
    def delete(self, request: Request, organization: str, client_id: str, token: str) -> Response:
        """Revoke the token."""
        application = _administered(request, organization, client_id)
        access_tokens.revoke_token(applications.find_token(application, token))
        return Response(status=204)


def _administered(request: Request, organization: str, client_id: str) -> Application:
    return applications.find_application(administered_organization(request, organization), client_id)


def _values(body: dict[str, Any]) -> dict[str, str]:
    return {name: value or "" for name, value in body.items()}


def _application_body(application: Application, *, with_secret: bool = True) -> dict[str, Any]:
    return {
        "name": application.name,
        "description": application.description,
        "application_uri": application.application_uri,
        "client_id": application.client_id,
        "client_secret": readable(lambda: application.client_secret) if with_secret else None,
        "redirect_uri": application.redirect_uri,
        "avatar_email": application.avatar_email or None,
    }


def _token_body(token: AccessToken) -> dict[str, Any]:
    return {
        "uuid": str(token.pk),
        "name": token.name,
        "scope": token.scopes,
        "expires_at": date(token.expires_at),
        "created": date(token.created_at),
        "created_by": token.user.username,
        "last_accessed": date(token.last_used_at),
    }
