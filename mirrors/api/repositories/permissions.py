"""/v1/repository/{repository}/permissions: the roles of users, robots and teams."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.avatars import AVATAR, avatar
from mirrors.api.bodies import one_of, read_object
from mirrors.api.endpoint import Endpoint, require_role
from mirrors.api.operations import BOOLEAN, STRING, Schema, answer, array, operation
from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Repository, RepositoryPermission, Robot, Team, User
from mirrors.services import access
from mirrors.services.accounts import teams
from mirrors.services.repositories import permissions

Role = access.Role

FIELDS = {"role": one_of(*Role.values)}
REQUIRED = ("role",)
EXAMPLE = {"role": "write"}
ROLE: Schema = {"type": "string", "enum": list(Role.values)}
OF_ACCOUNT: Schema = answer(
    {"role": ROLE, "name": STRING, "is_robot": BOOLEAN, "avatar": AVATAR}, {"is_org_member": BOOLEAN}
)
OF_TEAM: Schema = answer({"role": ROLE, "name": STRING, "avatar": AVATAR})


def _by_name(schema: Schema) -> Schema:
    return answer({"permissions": {"type": "object", "additionalProperties": schema}})


class PermissionEndpoint(Endpoint):
    """What all of these share: repo:admin, and read-only superusers may look."""

    scopes = {"GET": "repo:admin", "PUT": "repo:admin", "DELETE": "repo:admin"}

    def find_repository(self, full_name: str) -> Repository:
        """The repository, for who administers it."""
        account = require_role(self.request, full_name, role=Role.ADMIN, reading=self.request.method == "GET")
        return access.find_repository(full_name, account=account)


class UserPermissionsEndpoint(PermissionEndpoint):
    """/v1/repository/{repository}/permissions/user/."""

    @operation("listRepoUserPermissions", answers={200: _by_name(OF_ACCOUNT)}, errors=(404,))
    def get(self, request: Request, repository: str) -> Response:
        """List the roles that were given to users and robots themselves."""
        found = self.find_repository(repository)
        given = permissions.account_permissions(found)
        members = permissions.members_among(found, given)
        entries = (_account_body(each, found, is_member=each.user_id in members) for each in given)
        return Response({"permissions": {entry["name"]: entry for entry in entries}})


class UserPermissionEndpoint(PermissionEndpoint):
    """/v1/repository/{repository}/permissions/user/{username}; a robot is `namespace+name`."""

    @operation("getUserPermissions", answers={200: OF_ACCOUNT}, errors=(400, 404))
    def get(self, request: Request, repository: str, username: str) -> Response:
        """The role that was given to the user or robot itself."""
        found = self.find_repository(repository)
        return _account_answer(permissions.find_permission(found, _account(username)), found)

    @operation(
        "changeUserPermissions",
        answers={200: OF_ACCOUNT},
        errors=(404,),
        fields=FIELDS,
        required=REQUIRED,
        example=EXAMPLE,
    )
    def put(self, request: Request, repository: str, username: str) -> Response:
        """Give the user or robot this role in place of whatever it has."""
        require_role(request, repository, role=Role.ADMIN)
        body = read_object(request, FIELDS, required=REQUIRED)
        found = self.find_repository(repository)
        return _account_answer(permissions.set_role(found, _account(username), role=body["role"]), found)

    @operation("deleteUserPermissions", answers={204: None}, errors=(400, 404))
    def delete(self, request: Request, repository: str, username: str) -> Response:
        """Take away the role that was given to the user or robot itself."""
        permissions.remove_role(self.find_repository(repository), _account(username))
        return Response(status=204)


class TransitivePermissionEndpoint(PermissionEndpoint):
    """/v1/repository/{repository}/permissions/user/{username}/transitive."""

    @operation(
        "getUserTransitivePermission",
        answers={200: answer({"permissions": array(answer({"role": ROLE}))})},
        errors=(404,),
    )
    def get(self, request: Request, repository: str, username: str) -> Response:
        """The roles that the user or robot has by itself and by its teams."""
        found = self.find_repository(repository)
        roles = permissions.roles_through_anything(found, permissions.find_account(username))
        return Response({"permissions": [{"role": role.value} for role in roles]})


class TeamPermissionsEndpoint(PermissionEndpoint):
    """/v1/repository/{repository}/permissions/team/."""

    @operation("listRepoTeamPermissions", answers={200: _by_name(OF_TEAM)}, errors=(404,))
    def get(self, request: Request, repository: str) -> Response:
        """List the roles that were given to teams."""
        given = permissions.team_permissions(self.find_repository(repository))
        entries = (_team_body(each) for each in given)
        return Response({"permissions": {entry["name"]: entry for entry in entries}})


class TeamPermissionEndpoint(PermissionEndpoint):
    """/v1/repository/{repository}/permissions/team/{teamname}."""

    @operation("getTeamPermissions", answers={200: OF_TEAM}, errors=(400, 404))
    def get(self, request: Request, repository: str, teamname: str) -> Response:
        """The team's role."""
        found = self.find_repository(repository)
        return Response(_team_body(permissions.find_permission(found, _team(found, teamname))))

    @operation(
        "changeTeamPermissions",
        answers={200: OF_TEAM},
        errors=(404,),
        fields=FIELDS,
        required=REQUIRED,
        example=EXAMPLE,
    )
    def put(self, request: Request, repository: str, teamname: str) -> Response:
        """Give the team this role in place of whatever it has."""
        require_role(request, repository, role=Role.ADMIN)
        body = read_object(request, FIELDS, required=REQUIRED)
        found = self.find_repository(repository)
        return Response(_team_body(permissions.set_role(found, _team(found, teamname), role=body["role"])))

    @operation("deleteTeamPermissions", answers={204: None}, errors=(400, 404))
    def delete(self, request: Request, repository: str, teamname: str) -> Response:
        """Take the team's role away."""
        found = self.find_repository(repository)
        permissions.remove_role(found, _team(found, teamname))
        return Response(status=204)


def _account(name: str) -> User | Robot:
    """As Quay answers: an unknown name is a fault of the request, 400."""
    try:
        return permissions.find_account(name)
    except NotFound as error:
        raise InvalidInput(f"Invalid username: {name}. {error.message}", field="username") from error


def _team(repository: Repository, name: str) -> Team:
    try:
        return teams.find_team(repository.namespace, name)
    except NotFound as error:
        raise InvalidInput(error.message, field="teamname") from error


def _account_answer(permission: RepositoryPermission, repository: Repository) -> Response:
    members = permissions.members_among(repository, [permission])
    return Response(_account_body(permission, repository, is_member=permission.user_id in members))


def _account_body(permission: RepositoryPermission, repository: Repository, *, is_member: bool) -> dict[str, Any]:
    holder = permissions.holder_of(permission)
    name, is_robot = permissions.name_of(holder), isinstance(holder, Robot)
    body: dict[str, Any] = {
        "role": permission.role,
        "name": name,
        "is_robot": is_robot,
        "avatar": avatar(name, kind="robot" if is_robot else "user"),
    }
    if repository.namespace.user_id is None:
        body["is_org_member"] = is_member or (
            isinstance(holder, Robot) and holder.namespace_id == repository.namespace_id
        )
    return body


def _team_body(permission: RepositoryPermission) -> dict[str, Any]:
    name = permissions.name_of(permissions.holder_of(permission))
    return {"role": permission.role, "name": name, "avatar": avatar(name, kind="team")}
