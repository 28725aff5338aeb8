"""/v1/organization/{org}/robots/… and /v1/user/robots/…: accounts for machines."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.accounts.organizations import find_organization
from mirrors.api.authentication import caller
from mirrors.api.bodies import nullable, read_optional_object, text
from mirrors.api.dates import mail_date
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import InsufficientScope
from mirrors.api.mirroring.mirror_body import readable
from mirrors.api.mirroring.mirror_values import robot_named
from mirrors.errors import NotFound
from mirrors.models import Namespace, Robot
from mirrors.services import access, namespaces

FALSE_WORDS = frozenset({"false", "False", "FALSE", "0", "null", ""})


class RobotsEndpoint(Endpoint):
    """GET …/robots: members may list, administrators see tokens too."""

    scopes = {"GET": "org:admin"}

    def get(self, request: Request, organization: str | None = None) -> Response:
        """Every robot of the namespace."""
        namespace = _namespace(request, organization, for_members=True)
        is_admin = access.administers_namespace(request.user, namespace)
        with_token = is_admin and request.query_params.get("token", "true") not in FALSE_WORDS
        robots = namespace.robots.select_related("namespace")
        return Response({"robots": [robot_body(robot, with_token=with_token) for robot in robots]})


class UserRobotsEndpoint(RobotsEndpoint):
    """The same for the caller's own namespace."""

    scopes = {"GET": "user:admin"}


class RobotEndpoint(Endpoint):
    """GET, PUT, DELETE …/robots/{short name}."""

    scopes = {"GET": "org:admin", "PUT": "org:admin", "DELETE": "org:admin"}

    def get(self, request: Request, robot: str, organization: str | None = None) -> Response:
        """The robot with its token; 400 where there is none, as in Quay."""
        return Response(_full_body(self._find(request, organization, robot)))

    def put(self, request: Request, robot: str, organization: str | None = None) -> Response:
        """Make it, with or without a body; it cannot be changed this way."""
        namespace = _namespace(request, organization)
        body = read_optional_object(request, {"description": nullable(text)})
        made = namespaces.create_robot(namespace, robot, description=body.get("description") or "")
        return Response(_full_body(made), status=201)

    def delete(self, request: Request, robot: str, organization: str | None = None) -> Response:
        """Remove it; 400 while a mirror uses it."""
        namespaces.delete_robot(self._find(request, organization, robot))
        return Response(status=204)

    def _find(self, request: Request, organization: str | None, name: str) -> Robot:
        return robot_named(f"{_namespace(request, organization).name}+{name}")


class UserRobotEndpoint(RobotEndpoint):
    """The same for the caller's own namespace."""

    scopes = {"GET": "user:admin", "PUT": "user:admin", "DELETE": "user:admin"}


def robot_body(robot: Robot, *, with_token: bool) -> dict[str, Any]:
    """What lists show."""
    body: dict[str, Any] = {
        "name": robot.full_name,
        "created": mail_date(robot.created_at),
        "last_accessed": mail_date(robot.last_accessed_at),
        "description": robot.description,
    }
    return body | ({"token": readable(lambda: robot.token)} if with_token else {})


def _full_body(robot: Robot) -> dict[str, Any]:
    return robot_body(robot, with_token=True) | {"unstructured_metadata": {}}


def _namespace(request: Request, organization: str | None, *, for_members: bool = False) -> Namespace:
    """The organization, or the caller's own namespace. A stranger does not learn whether the organization exists."""
    if organization is None:
        return namespaces.find_namespace(caller(request).username)
    try:
        found = find_organization(organization)
    except NotFound:
        if caller(request).is_superuser:
            raise
        found = None
    if found and access.administers_namespace(request.user, found):
        return found
    if found and for_members and namespaces.is_member(caller(request), found):
        return found
    raise InsufficientScope(f"Unauthorized: you need to administer {organization} for that.")
