"""…/robots/{short name}/…: a new token, its permissions, and who it is at other services."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.accounts.robots import ROBOT, robot_body, robot_of
from mirrors.api.bodies import array_of, object_of, read_array, text
from mirrors.api.endpoint import Endpoint
from mirrors.api.namespaces import administered_organization, own_space, readable_organization
from mirrors.api.operations import BOOLEAN, STRING, answer, array, operation
from mirrors.models import Robot
from mirrors.models.repository import RepositoryPermission
from mirrors.services.accounts import robots

PERMISSION = answer(
    {
        "repository": answer({"name": STRING, "is_public": BOOLEAN}),
        "role": {"type": "string", "enum": list(RepositoryPermission.Role.values)},
    }
)
PERMISSIONS = answer({"permissions": array(PERMISSION)})
FEDERATION = array(answer({"issuer": STRING, "subject": STRING}))
FEDERATION_FIELD = array_of(object_of({"issuer": text, "subject": text}, required=("issuer", "subject")))
EXAMPLE = [{"issuer": "https://token.actions.githubusercontent.com", "subject": "repo:team/app:ref:refs/heads/main"}]


class RegenerateOrganizationRobot(Endpoint):
    """POST …/regenerate."""

    scopes = {"POST": "org:admin"}

    @operation("regenerateOrgRobotToken", answers={200: ROBOT}, errors=(400, 404))
    def post(self, request: Request, organization: str, robot: str) -> Response:
        """Give the robot a new token; the old one opens nothing from now on."""
        return _regenerated(robot_of(administered_organization(request, organization), robot))


class RegenerateUserRobot(Endpoint):
    """The same for the caller's own namespace."""

    scopes = {"POST": "user:admin"}

    @operation("regenerateUserRobotToken", answers={200: ROBOT}, errors=(400,))
    def post(self, request: Request, robot: str) -> Response:
        """Give the robot a new token; the old one opens nothing from now on."""
        return _regenerated(robot_of(own_space(request), robot))


class OrganizationRobotPermissions(Endpoint):
    """GET …/permissions."""

    scopes = {"GET": "user:admin"}

    @operation("getOrgRobotPermissions", answers={200: PERMISSIONS}, errors=(400, 404))
    def get(self, request: Request, organization: str, robot: str) -> Response:
        """The roles on repositories that were given to the robot itself."""
        return _permissions(robot_of(readable_organization(request, organization), robot))


class UserRobotPermissions(Endpoint):
    """The same for the caller's own namespace."""

    scopes = {"GET": "user:admin"}

    @operation("getUserRobotPermissions", answers={200: PERMISSIONS}, errors=(400,))
    def get(self, request: Request, robot: str) -> Response:
        """The roles on repositories that were given to the robot itself."""
        return _permissions(robot_of(own_space(request), robot))


class OrganizationRobotFederation(Endpoint):
    """GET, POST, DELETE …/federation."""

    scopes = {"GET": "org:admin", "POST": "org:admin", "DELETE": "org:admin"}

    @operation("getOrgRobotFederation", answers={200: FEDERATION}, errors=(400, 404))
    def get(self, request: Request, organization: str, robot: str) -> Response:
        """Who the robot is at other services; kept for clients that set it, and not used for signing in."""
        return Response(robot_of(readable_organization(request, organization), robot).federations)

    @operation(
        "createOrgRobotFederation",
        answers={200: FEDERATION},
        errors=(400, 404),
        body=FEDERATION_FIELD.schema,
        example=EXAMPLE,
    )
    def post(self, request: Request, organization: str, robot: str) -> Response:
        """Set all of it at once."""
        return _federated(request, robot_of(administered_organization(request, organization), robot))

    @operation("deleteOrgRobotFederation", answers={204: None}, errors=(400, 404))
    def delete(self, request: Request, organization: str, robot: str) -> Response:
        """Forget all of it."""
        robots.clear_federations(robot_of(administered_organization(request, organization), robot))
        return Response(status=204)


class UserRobotFederation(Endpoint):
    """The same for the caller's own namespace."""

    scopes = {"GET": "user:admin", "POST": "user:admin", "DELETE": "user:admin"}

    @operation("getUserRobotFederation", answers={200: FEDERATION}, errors=(400,), ours=True)
    def get(self, request: Request, robot: str) -> Response:
        """Who the robot is at other services; kept for clients that set it, and not used for signing in."""
        return Response(robot_of(own_space(request), robot).federations)

    @operation(
        "createUserRobotFederation",
        answers={200: FEDERATION},
        errors=(400,),
        body=FEDERATION_FIELD.schema,
        ours=True,
        example=EXAMPLE,
    )
    def post(self, request: Request, robot: str) -> Response:
        """Set all of it at once."""
        return _federated(request, robot_of(own_space(request), robot))

    @operation("deleteUserRobotFederation", answers={204: None}, errors=(400,), ours=True)
    def delete(self, request: Request, robot: str) -> Response:
        """Forget all of it."""
        robots.clear_federations(robot_of(own_space(request), robot))
        return Response(status=204)


def _regenerated(robot: Robot) -> Response:
    return Response(robot_body(robots.regenerate_token(robot), with_token=True))


def _permissions(robot: Robot) -> Response:
    return Response({"permissions": [_permission(each) for each in robots.permissions_of(robot)]})


def _permission(permission: RepositoryPermission) -> dict[str, Any]:
    repository = permission.repository
    return {"repository": {"name": repository.name, "is_public": repository.is_public}, "role": permission.role}


def _federated(request: Request, robot: Robot) -> Response:
    return Response(robots.set_federations(robot, read_array(request, FEDERATION_FIELD)).federations)
