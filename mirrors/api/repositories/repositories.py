"""/v1/repository and /v1/repository/{repository}."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import caller, has_scope
from mirrors.api.bodies import nullable, one_of, read_object, text
from mirrors.api.endpoint import Endpoint, require_role
from mirrors.errors import InvalidInput
from mirrors.models import Namespace, Repository, User
from mirrors.models.repository import RepositoryPermission
from mirrors.services import access, namespaces, repositories

Role = RepositoryPermission.Role

FIELDS = {
    "repository": text,
    "namespace": nullable(text),
    "visibility": one_of(*Repository.Visibility.values),
    "description": text,
    "repo_kind": nullable(one_of("image")),
}


class RepositoriesEndpoint(Endpoint):
    """POST /v1/repository."""

    scopes = {"POST": "repo:create"}

    def post(self, request: Request) -> Response:
        """Make an empty repository, in the caller's own namespace unless another is named."""
        body = read_object(request, FIELDS, required=("repository", "visibility", "description"))
        user = caller(request)
        namespace = namespaces.find_namespace(body.get("namespace") or user.username)
        try:
            made = repositories.create_repository(
                namespace,
                body["repository"],
                by=user,
                visibility=body["visibility"],
                description=body["description"],
            )
        except InvalidInput as error:
            raise InvalidInput(f"Invalid repository name. {error.message}", field=error.field) from error
        return Response({"namespace": namespace.name, "name": made.name, "kind": "image"}, status=201)


class RepositoryEndpoint(Endpoint):
    """GET /v1/repository/{repository}: public ones for everyone, private ones with repo:read."""

    def get(self, request: Request, repository: str) -> Response:
        """What it is and what the caller may do with it."""
        account = require_role(request, repository, role=Role.READ)
        return Response(_body(access.find_repository(repository, account=account), request, account=account))


def _body(repository: Repository, request: Request, *, account: User | None) -> dict[str, Any]:
    role = access.repository_role(account, repository)
    may_write = role in (Role.WRITE, Role.ADMIN) and has_scope(request, "repo:write")
    return {
        "namespace": repository.namespace.name,
        "name": repository.name,
        "kind": "image",
        "description": repository.description,
        "is_public": repository.is_public,
        "is_organization": repository.namespace.kind == Namespace.Kind.ORGANIZATION,
        "is_starred": False,
        "status_token": "",
        "trust_enabled": False,
        "tag_expiration_s": None,
        "is_free_account": False,
        "state": repository.state,
        "can_write": may_write and repository.state == Repository.State.NORMAL,
        "can_admin": role == Role.ADMIN and has_scope(request, "repo:admin"),
    }
