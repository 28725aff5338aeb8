"""/v1/organization/{org}/robots/… and /v1/user/robots/…: accounts for machines."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.avatars import AVATAR, avatar
from mirrors.api.bodies import any_object, nullable, read_optional_object, text
from mirrors.api.dates import mail_date
from mirrors.api.endpoint import Endpoint
from mirrors.api.mirroring.mirror_body import readable
from mirrors.api.mirroring.mirror_values import robot_named
from mirrors.api.namespaces import administered_organization, own_space, readable_organization
from mirrors.api.operations import INTEGER, MAIL_DATE, STRING, answer, array, operation, or_null
from mirrors.api.queries import is_true, read_number
from mirrors.models import Namespace, Robot
from mirrors.services import access
from mirrors.services.accounts import robots

CREATION = {"description": nullable(text), "unstructured_metadata": nullable(any_object)}
BASIC = {
    "name": STRING,
    "created": MAIL_DATE,
    "last_accessed": or_null(MAIL_DATE),
    "description": STRING,
}
IN_LIST = answer(
    BASIC,
    {
        "token": or_null(STRING),
        "teams": array(answer({"name": STRING, "avatar": AVATAR})),
        "repositories": array(STRING),
    },
)
LIST = answer({"robots": array(IN_LIST)})
ROBOT = answer({**BASIC, "unstructured_metadata": {"type": "object"}}, {"token": or_null(STRING)})
LIST_QUERY = {
    "permissions": (STRING, "For administrators: each robot's teams and repositories too."),
    "token": (STRING, "false: leave out the tokens, which only administrators get anyway."),
    "limit": (INTEGER, "How many at most; all without it."),
}


class RobotsEndpoint(Endpoint):
    """GET …/robots: members may list, administrators see tokens too."""

    scopes = {"GET": "org:admin"}

    @operation("getOrgRobots", answers={200: LIST}, errors=(400, 404), query=LIST_QUERY)
    def get(self, request: Request, organization: str) -> Response:
        """Every robot of the organization, by name."""
        return self._list(request, readable_organization(request, organization, for_members=True))

    def _list(self, request: Request, namespace: Namespace) -> Response:
        is_admin = access.administers_namespace(request.user, namespace)
        with_token = is_admin and is_true(request, "token", default=True)
        with_rights = is_admin and is_true(request, "permissions")
        limit = read_number(request, "limit", default=0)
        found = robots.robots_of(namespace, limit=limit or None)
        rows = robots.with_rights(found) if with_rights else found
        return Response({"robots": [_in_list(robot, with_token=with_token, with_rights=with_rights) for robot in rows]})


class UserRobotsEndpoint(RobotsEndpoint):
    """The same for the caller's own namespace."""

    scopes = {"GET": "user:admin"}

    @operation("getUserRobots", answers={200: LIST}, errors=(400,), query=LIST_QUERY)
    def get(self, request: Request) -> Response:  # type: ignore[override]  # there is no organization
        """Every robot of one's own, by name."""
        return self._list(request, own_space(request))


class RobotEndpoint(Endpoint):
    """GET, PUT, DELETE …/robots/{short name}."""

    scopes = {"GET": "org:admin", "PUT": "org:admin", "DELETE": "org:admin"}

    @operation("getOrgRobot", answers={200: ROBOT}, errors=(400, 404))
    def get(self, request: Request, organization: str, robot: str) -> Response:
        """The robot; its token for administrators; 400 where there is none, as in Quay."""
        namespace = readable_organization(request, organization)
        is_admin = access.administers_namespace(request.user, namespace)
        return Response(robot_body(robot_of(namespace, robot), with_token=is_admin))

    @operation(
        "createOrgRobot",
        answers={201: ROBOT},
        errors=(400, 404),
        fields=CREATION,
        optional_body=True,
        example={"description": "Writes the mirrors"},
    )
    def put(self, request: Request, organization: str, robot: str) -> Response:
        """Make it, with or without a body; 400 where it exists: it cannot be changed this way."""
        return _created(request, administered_organization(request, organization), robot)

    @operation("deleteOrgRobot", answers={204: None}, errors=(400, 404))
    def delete(self, request: Request, organization: str, robot: str) -> Response:
        """Remove it; 400 while a mirror uses it."""
        robots.delete_robot(robot_of(administered_organization(request, organization), robot))
        return Response(status=204)


class UserRobotEndpoint(Endpoint):
    """The same for the caller's own namespace."""

    scopes = {"GET": "user:admin", "PUT": "user:admin", "DELETE": "user:admin"}

    @operation("getUserRobot", answers={200: ROBOT}, errors=(400,))
    def get(self, request: Request, robot: str) -> Response:
        """The robot with its token; 400 where there is none, as in Quay."""
        return Response(robot_body(robot_of(own_space(request), robot), with_token=True))

    @operation(
        "createUserRobot",
        answers={201: ROBOT},
        errors=(400,),
        fields=CREATION,
        optional_body=True,
        example={"description": "Writes the mirrors"},
    )
    def put(self, request: Request, robot: str) -> Response:
        """Make it, with or without a body; 400 where it exists: it cannot be changed this way."""
        return _created(request, own_space(request), robot)

    @operation("deleteUserRobot", answers={204: None}, errors=(400,))
    def delete(self, request: Request, robot: str) -> Response:
        """Remove it; 400 while a mirror uses it."""
        robots.delete_robot(robot_of(own_space(request), robot))
        return Response(status=204)


def robot_of(namespace: Namespace, name: str) -> Robot:
    """The namespace's robot of this short name; InvalidInput where there is none."""
    return robot_named(f"{namespace.name}+{name}")


def robot_body(robot: Robot, *, with_token: bool) -> dict[str, Any]:
    """One robot."""
    return _basic_body(robot, with_token=with_token) | {"unstructured_metadata": robot.unstructured_metadata}


def _created(request: Request, namespace: Namespace, name: str) -> Response:
    body = read_optional_object(request, CREATION)
    made = robots.create_robot(
        namespace,
        name,
        description=body.get("description") or "",
        unstructured_metadata=body.get("unstructured_metadata"),
    )
    return Response(robot_body(made, with_token=True), status=201)


def _in_list(robot: Robot, *, with_token: bool, with_rights: bool) -> dict[str, Any]:
    body = _basic_body(robot, with_token=with_token)
    return body | (_rights(robot) if with_rights else {})


def _basic_body(robot: Robot, *, with_token: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": robot.full_name,
        "created": mail_date(robot.created_at),
        "last_accessed": mail_date(robot.last_accessed_at),
        "description": robot.description,
    }
    return body | ({"token": readable(lambda: robot.token)} if with_token else {})


def _rights(robot: Robot) -> dict[str, Any]:
    names = [member.team.name for member in robot.team_memberships.all()]
    return {
        "teams": [{"name": name, "avatar": avatar(name, kind="team")} for name in names],
        "repositories": [permission.repository.name for permission in robot.repositorypermission_set.all()],
    }
