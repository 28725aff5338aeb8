"""/v1/superuser/…: every user and every organization, for superusers; read-only superusers may read."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.accounts.organizations import CHANGE as ORGANIZATION_CHANGE
from mirrors.api.accounts.organizations import ORGANIZATION, change_values, organization_body
from mirrors.api.authentication import caller
from mirrors.api.avatars import AVATAR, avatar
from mirrors.api.bodies import boolean, nullable, read_object, text
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import InsufficientScope
from mirrors.api.operations import BOOLEAN, INTEGER, STRING, answer, array, operation
from mirrors.api.paging import NEXT_PAGE, next_page_token, read_next_page
from mirrors.api.queries import is_true, read_number
from mirrors.models import Namespace, User
from mirrors.services import access
from mirrors.services.accounts import organizations, people
from mirrors.services.accounts.sign_in import encrypted_password

Row = TypeVar("Row", bound=Model)
PAGE_SIZE = 100
CREATION = {"username": text, "email": nullable(text)}
CHANGE = {"email": nullable(text), "password": nullable(text), "enabled": nullable(boolean)}
RENAMING = {"name": nullable(text), **ORGANIZATION_CHANGE}
PERSON = answer(
    {
        "kind": {"type": "string", "enum": ["user"]},
        "name": STRING,
        "username": STRING,
        "email": STRING,
        "verified": BOOLEAN,
        "avatar": AVATAR,
        "super_user": BOOLEAN,
        "enabled": BOOLEAN,
    }
)
NEW_PERSON = answer({"username": STRING, "email": STRING, "password": STRING, "encrypted_password": STRING})
PEOPLE = answer({"users": array(PERSON)}, {"next_page": STRING})
ORGANIZATION_IN_LIST = answer({"name": STRING, "email": STRING, "avatar": AVATAR})
ORGANIZATIONS = answer({"organizations": array(ORGANIZATION_IN_LIST)}, {"next_page": STRING})
PAGING = {"limit": (INTEGER, f"How many to a page, {PAGE_SIZE} at most."), "next_page": NEXT_PAGE}


class SuperuserEndpoint(Endpoint):
    """For superusers; reading for read-only superusers too."""

    scopes = dict.fromkeys(("GET", "POST", "PUT", "DELETE"), "super:user")

    def check_permissions(self, request: Request) -> None:
        """The scope, then the account."""
        super().check_permissions(request)
        if not access.reaches_everything(caller(request), reading=request.method in ("GET", "HEAD")):
            raise InsufficientScope("Unauthorized: this is for superusers.")


class SuperuserUsers(SuperuserEndpoint):
    """GET, POST /v1/superuser/users/."""

    @operation(
        "listAllUsers",
        answers={200: PEOPLE},
        errors=(400,),
        query={"disabled": (STRING, "false: leave out those who may not sign in."), **PAGING},
    )
    def get(self, request: Request) -> Response:
        """Every user, by name, page by page."""
        found = people.all_people()
        if not is_true(request, "disabled", default=True):
            found = found.filter(is_active=True)
        rows, more = _page(request, found, column="username", of="users")
        return Response({"users": [person_body(user) for user in rows], **more})

    @operation(
        "createInstallUser",
        answers={200: NEW_PERSON},
        errors=(400,),
        fields=CREATION,
        required=("username",),
        example={"username": "ada", "email": "ada@example.com"},
    )
    def post(self, request: Request) -> Response:
        """Make an account with a random password, which is shown this once."""
        body = read_object(request, CREATION, required=("username",))
        user, password = people.create_person(body["username"], email=body.get("email") or "")
        return Response(
            {
                "username": user.username,
                "email": user.email,
                "password": password,
                "encrypted_password": encrypted_password(password),
            }
        )


class SuperuserUser(SuperuserEndpoint):
    """GET, PUT, DELETE /v1/superuser/users/{name}."""

    @operation("getInstallUser", answers={200: PERSON}, errors=(404,))
    def get(self, request: Request, person: str) -> Response:
        """One account."""
        return Response(person_body(people.find_person(person)))

    @operation(
        "changeInstallUser",
        answers={200: PERSON},
        errors=(400, 404),
        fields=CHANGE,
        example={"email": "ada@example.com", "enabled": True},
    )
    def put(self, request: Request, person: str) -> Response:
        """Change what is given; null changes nothing. Superusers are changed in the administration pages: 400."""
        body = read_object(request, CHANGE)
        names = {"email": "email", "password": "password", "enabled": "is_active"}
        values = {names[field]: value for field, value in body.items() if value is not None}
        return Response(person_body(people.change_person(people.find_person(person), values)))

    @operation("deleteInstallUser", answers={204: None}, errors=(400, 404))
    def delete(self, request: Request, person: str) -> Response:
        """Remove the account and its namespace with all that is in it; 400 for a superuser."""
        people.delete_person(people.find_person(person))
        return Response(status=204)


class SuperuserOrganizations(SuperuserEndpoint):
    """GET /v1/superuser/organizations/."""

    @operation("listAllOrganizations", answers={200: ORGANIZATIONS}, errors=(400,), query=PAGING)
    def get(self, request: Request) -> Response:
        """Every organization, by name, page by page."""
        rows, more = _page(request, organizations.all_organizations(), column="name", of="organizations")
        return Response({"organizations": [_in_list(organization) for organization in rows], **more})


class SuperuserOrganization(SuperuserEndpoint):
    """PUT, DELETE /v1/superuser/organizations/{org}."""

    @operation(
        "changeOrganization",
        answers={200: ORGANIZATION},
        errors=(400, 404),
        fields=RENAMING,
        example={"name": "platform"},
    )
    def put(self, request: Request, organization: str) -> Response:
        """Change what is given, its name too while it has no repositories: 400 otherwise."""
        body = read_object(request, RENAMING)
        found = organizations.find_organization(organization)
        organizations.change_organization(found, change_values(body), name=body.get("name"))
        return Response(organization_body(request, found))

    @operation("deleteOrganization", answers={204: None}, errors=(400, 404))
    def delete(self, request: Request, organization: str) -> Response:
        """Remove it for good, with its mirrors, repositories, their content in the built-in store, teams and robots."""
        organizations.delete_organization(organizations.find_organization(organization))
        return Response(status=204)


def person_body(user: User) -> dict[str, Any]:
    """One account, as superusers see it."""
    return {
        "kind": "user",
        "name": user.username,
        "username": user.username,
        "email": user.email,
        "verified": True,
        "avatar": avatar(user.username, kind="user"),
        "super_user": user.is_superuser,
        "enabled": user.is_active,
    }


def _in_list(organization: Namespace) -> dict[str, Any]:
    return {
        "name": organization.name,
        "email": organization.email,
        "avatar": avatar(organization.name, kind="org"),
    }


def _page(request: Request, rows: QuerySet[Row], *, column: str, of: str) -> tuple[list[Row], dict[str, str]]:
    """The rows of this page, in the order of a unique column, and the `next_page` where there are more."""
    limit = read_number(request, "limit", default=PAGE_SIZE, maximum=PAGE_SIZE)
    after = read_next_page(request, of=f"superuser/{of}")
    found = list((rows if after is None else rows.filter(**{f"{column}__gt": after}))[: limit + 1])
    if len(found) <= limit:
        return found, {}
    last = getattr(found[limit - 1], column)
    return found[:limit], {"next_page": next_page_token(last, of=f"superuser/{of}")}
