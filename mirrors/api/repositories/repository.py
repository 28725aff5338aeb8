"""/v1/repository/{repository}, its visibility and its state."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import has_scope
from mirrors.api.bodies import one_of, read_object, text
from mirrors.api.endpoint import Endpoint, require_role
from mirrors.api.operations import BOOLEAN, SUCCESS, operation
from mirrors.api.queries import is_true
from mirrors.api.repositories.repository_body import REPOSITORY, repository_body, statistics_body, tags_body
from mirrors.models import Repository
from mirrors.services import access, tags
from mirrors.services.repositories import repositories, repository_figures

Role = access.Role

MOST_TAGS = 500
DESCRIPTION = {"description": text}
VISIBILITY = {"visibility": one_of(*Repository.Visibility.values)}
STATE = {"state": one_of(*repositories.SETTABLE_STATES)}
QUERY = {
    "includeTags": (BOOLEAN, "With tags, which is the default: the 500 youngest, of a remote registry those mirrored."),
    "includeStats": (BOOLEAN, "With how much happened on each of the last 92 days."),
}


class RepositoryEndpoint(Endpoint):
    """/v1/repository/{repository}. GET: public ones for everyone, private ones with repo:read."""

    scopes = {"PUT": "repo:write", "DELETE": "repo:admin"}

    @operation("getRepo", answers={200: REPOSITORY}, errors=(404,), query=QUERY)
    def get(self, request: Request, repository: str) -> Response:
        """What it is and what the caller may do with it."""
        account = require_role(request, repository, role=Role.READ)
        found = access.find_repository(repository, account=account)
        role = access.repository_role(account, found)
        may_write = role in (Role.WRITE, Role.ADMIN) and has_scope(request, "repo:write")
        body = repository_body(
            found,
            is_starred=bool(account and repository_figures.starred_among([found], user=account)),
            can_write=may_write and found.state == Repository.State.NORMAL,
            can_admin=role == Role.ADMIN and has_scope(request, "repo:admin"),
        )
        if is_true(request, "includeTags", default=True):
            body["tags"] = tags_body(tags.known_tags(found, limit=MOST_TAGS))
        if is_true(request, "includeStats"):
            body["stats"] = statistics_body(repository_figures.daily_counts(found))
        return Response(body)

    @operation(
        "updateRepo",
        answers={200: SUCCESS},
        errors=(404,),
        fields=DESCRIPTION,
        required=("description",),
        example={"description": "What it is for"},
    )
    def put(self, request: Request, repository: str) -> Response:
        """Set the description."""
        account = require_role(request, repository, role=Role.WRITE)
        body = read_object(request, DESCRIPTION, required=("description",))
        repositories.describe(access.find_repository(repository, account=account), body["description"])
        return Response({"success": True})

    @operation("deleteRepository", answers={204: None}, errors=(404,))
    def delete(self, request: Request, repository: str) -> Response:
        """Remove the repository with its mirror, and its content in the built-in store."""
        account = require_role(request, repository, role=Role.ADMIN)
        repositories.delete_repository(access.find_repository(repository, account=account))
        return Response(status=204)


class VisibilityEndpoint(Endpoint):
    """/v1/repository/{repository}/changevisibility."""

    scopes = {"POST": "repo:admin"}

    @operation(
        "changeRepoVisibility",
        answers={200: SUCCESS},
        errors=(404,),
        fields=VISIBILITY,
        required=("visibility",),
        example={"visibility": "public"},
    )
    def post(self, request: Request, repository: str) -> Response:
        """Make it public or private."""
        account = require_role(request, repository, role=Role.ADMIN)
        body = read_object(request, VISIBILITY, required=("visibility",))
        repositories.change_visibility(access.find_repository(repository, account=account), body["visibility"])
        return Response({"success": True})


class StateEndpoint(Endpoint):
    """/v1/repository/{repository}/changestate."""

    scopes = {"PUT": "repo:admin"}

    @operation(
        "changeRepoState",
        answers={200: SUCCESS},
        errors=(404,),
        fields=STATE,
        required=("state",),
        example={"state": "MIRROR"},
    )
    def put(self, request: Request, repository: str) -> Response:
        """Set the state; the mirror's configuration stays, and a sync that runs is cancelled outside of MIRROR."""
        account = require_role(request, repository, role=Role.ADMIN)
        body = read_object(request, STATE, required=("state",))
        repositories.change_state(access.find_repository(repository, account=account), body["state"], by=account)
        return Response({"success": True})
