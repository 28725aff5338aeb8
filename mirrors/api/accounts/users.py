"""/v1/user/ and /v1/users/{name}: who calls, and who others are."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import caller, has_scope
from mirrors.api.avatars import AVATAR, avatar
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import NotSignedIn
from mirrors.api.operations import BOOLEAN, INTEGER, STRING, answer, array, operation, or_null
from mirrors.models import Namespace, User
from mirrors.services import access
from mirrors.services.accounts import namespaces, people

ORGANIZATION_OF_USER = answer(
    {
        "name": STRING,
        "avatar": AVATAR,
        "can_create_repo": BOOLEAN,
        "public": BOOLEAN,
        "is_org_admin": BOOLEAN,
        "preferred_namespace": BOOLEAN,
    }
)
PUBLIC = {"anonymous": BOOLEAN, "username": STRING, "avatar": AVATAR}
OWN = {
    "organizations": array(ORGANIZATION_OF_USER),
    "super_user": BOOLEAN,
    "global_readonly_super_user": BOOLEAN,
    "can_create_repo": BOOLEAN,
    "is_me": BOOLEAN,
    "verified": BOOLEAN,
}
PRIVATE = {
    "email": STRING,
    "logins": array(STRING),
    "prompts": array(STRING),
    "invoice_email": BOOLEAN,
    "invoice_email_address": or_null(STRING),
    "preferred_namespace": BOOLEAN,
    "tag_expiration_s": INTEGER,
    "is_free_account": BOOLEAN,
    "company": or_null(STRING),
    "family_name": or_null(STRING),
    "given_name": or_null(STRING),
    "location": or_null(STRING),
    "has_password_set": BOOLEAN,
}
CALLER = answer({**PUBLIC, **OWN}, PRIVATE)
PERSON = answer(PUBLIC, {**OWN, **PRIVATE})


class UserEndpoint(Endpoint):
    """GET /v1/user/: the account behind the token or session."""

    scopes = {"GET": "user:read"}

    def check_permissions(self, request: Request) -> None:
        """Quay's 401 here has one key more."""
        if not request.user.is_authenticated:
            raise NotSignedIn("Requires authentication", session_required=False)
        super().check_permissions(request)

    @operation("getLoggedInUser", answers={200: CALLER})
    def get(self, request: Request) -> Response:
        """The account that calls, and the organizations it belongs to; what is private with the scope user:admin."""
        return Response(_own_body(request, caller(request)))


class PersonEndpoint(Endpoint):
    """GET /v1/users/{name}, open to everyone."""

    @operation("getUserInformation", answers={200: PERSON}, errors=(404,))
    def get(self, request: Request, person: str) -> Response:
        """Whether there is such a user; one's own account as in /v1/user/."""
        user = people.find_person(person)
        if request.user == user and has_scope(request, "user:read"):
            return Response(_own_body(request, caller(request)))
        return Response(_public_body(user))


def _public_body(user: User) -> dict[str, Any]:
    return {"anonymous": False, "username": user.username, "avatar": avatar(user.username, kind="user")}


def _own_body(request: Request, user: User) -> dict[str, Any]:
    body = _public_body(user) | {
        "organizations": _organizations(request, user),
        "super_user": user.is_superuser,
        "global_readonly_super_user": user.is_readonly_superuser,
        "can_create_repo": True,
        "is_me": True,
        "verified": True,
    }
    return body | (_private_body(user) if has_scope(request, "user:admin") else {})


def _private_body(user: User) -> dict[str, Any]:
    space = namespaces.find_namespace(user.username)
    return {
        "email": user.email,
        "logins": [],
        "prompts": [],
        "invoice_email": space.invoice_email,
        "invoice_email_address": space.invoice_email_address or None,
        "preferred_namespace": False,
        "tag_expiration_s": space.tag_expiration_seconds or 0,
        "is_free_account": True,
        "company": None,
        "family_name": user.last_name or None,
        "given_name": user.first_name or None,
        "location": None,
        "has_password_set": user.has_usable_password(),
    }


def _organizations(request: Request, user: User) -> list[dict[str, Any]]:
    """Those the user belongs to, in three queries for any number of them."""
    found = namespaces.organizations_of(user)
    keys = [organization.pk for organization in found]
    administered = _keys(access.administered_namespaces(user).filter(pk__in=keys))
    creatable = _keys(access.namespaces_to_create_in(user).filter(pk__in=keys))
    return [
        {
            "name": organization.name,
            "avatar": avatar(organization.name, kind="org"),
            "can_create_repo": organization.pk in creatable and has_scope(request, "repo:create"),
            "public": False,
            "is_org_admin": organization.pk in administered and has_scope(request, "org:admin"),
            "preferred_namespace": False,
        }
        for organization in found
    ]


def _keys(found: QuerySet[Namespace]) -> set[int]:
    return set(found.values_list("pk", flat=True))
