"""/v1/organization/{org}/team/…: teams and who is in them."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.avatars import AVATAR, avatar
from mirrors.api.bodies import one_of, read_object, text
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import InsufficientScope
from mirrors.api.namespaces import administered_organization, readable_organization
from mirrors.api.operations import BOOLEAN, INTEGER, STRING, answer, array, operation, or_null
from mirrors.models import Team, TeamMember
from mirrors.services import access
from mirrors.services.accounts import teams

FIELDS = {"role": one_of(*Team.Role.values), "description": text}
IN_LIST = {
    "name": STRING,
    "description": STRING,
    "role": {"type": "string", "enum": list(Team.Role.values)},
    "avatar": AVATAR,
    "can_view": BOOLEAN,
    "repo_count": INTEGER,
    "member_count": INTEGER,
    "is_synced": BOOLEAN,
}
TEAM_IN_LIST = answer(IN_LIST)
TEAM = answer({**IN_LIST, "new_team": BOOLEAN})
MEMBER = answer(
    {
        "name": STRING,
        "kind": {"type": "string", "enum": ["user"]},
        "is_robot": BOOLEAN,
        "avatar": or_null(AVATAR),
        "invited": BOOLEAN,
    }
)
MEMBERS = answer({"name": STRING, "members": array(MEMBER), "can_edit": BOOLEAN})


class TeamEndpoint(Endpoint):
    """PUT, DELETE …/team/{team}."""

    scopes = {"PUT": "org:admin", "DELETE": "org:admin"}

    @operation(
        "updateOrganizationTeam",
        answers={200: TEAM},
        errors=(400, 404),
        fields=FIELDS,
        required=("role",),
        example={"role": "member", "description": "Reads everything"},
    )
    def put(self, request: Request, organization: str, team: str) -> Response:
        """Make the team, or set its role and, if given, its description."""
        body = read_object(request, FIELDS, required=("role",))
        found = administered_organization(request, organization)
        changed, is_new = teams.set_team(found, team, role=body["role"], description=body.get("description"))
        counted = teams.teams_of(found).get(pk=changed.pk)
        return Response(team_in_list(counted, can_view=True) | {"new_team": is_new})

    @operation("deleteOrganizationTeam", answers={204: None}, errors=(400, 404))
    def delete(self, request: Request, organization: str, team: str) -> Response:
        """Remove the team with the roles it gives; 400 where the organization's last administrators are in it."""
        teams.delete_team(teams.find_team(administered_organization(request, organization), team))
        return Response(status=204)


class TeamMembersEndpoint(Endpoint):
    """GET …/team/{team}/members."""

    scopes = {"GET": "org:admin"}

    @operation(
        "getOrganizationTeamMembers",
        answers={200: MEMBERS},
        errors=(404,),
        query={"includePending": (STRING, "Taken and ignored: nobody is invited, people are put into teams at once.")},
    )
    def get(self, request: Request, organization: str, team: str) -> Response:
        """Who is in it: for its own members, and for who administers the organization."""
        namespace = readable_organization(request, organization, for_members=True)
        found = teams.find_team(namespace, team)
        if not access.may_see_namespace_settings(request.user, namespace) and not teams.is_in(request.user, found):
            raise InsufficientScope(f"Unauthorized: you are not a member of the team {found.name}.")
        return Response(
            {
                "name": found.name,
                "members": [member_body(member) for member in teams.members_of(found)],
                "can_edit": access.administers_namespace(request.user, namespace),
            }
        )


class TeamMemberEndpoint(Endpoint):
    """PUT, DELETE …/team/{team}/members/{name}."""

    scopes = {"PUT": "org:admin", "DELETE": "org:admin"}

    @operation("updateOrganizationTeamMember", answers={200: MEMBER}, errors=(400, 404))
    def put(self, request: Request, organization: str, team: str, member: str) -> Response:
        """Put a user, or a robot of the organization, into the team; no body is needed."""
        found = teams.find_team(administered_organization(request, organization), team)
        return Response(member_body(teams.add_member(found, member)))

    @operation("deleteOrganizationTeamMember", answers={204: None}, errors=(400, 404))
    def delete(self, request: Request, organization: str, team: str, member: str) -> Response:
        """Take the account out of the team; 400 where it is not in it, or is the organization's last administrator."""
        found = teams.find_team(administered_organization(request, organization), team)
        teams.remove_member(found, member)
        return Response(status=204)


def team_in_list(team: Team, *, can_view: bool) -> dict[str, Any]:
    """A team with its counts, as `teams.teams_of` gives it."""
    return {
        "name": team.name,
        "description": team.description,
        "role": team.role,
        "avatar": avatar(team.name, kind="team"),
        "can_view": can_view,
        "repo_count": team.repo_count,  # type: ignore[attr-defined]  # annotated
        "member_count": team.member_count,  # type: ignore[attr-defined]
        "is_synced": False,
    }


def member_body(member: TeamMember) -> dict[str, Any]:
    """One who is in a team; robots have no avatar."""
    name = teams.name_of(member)
    is_robot = member.robot is not None
    return {
        "name": name,
        "kind": "user",
        "is_robot": is_robot,
        "avatar": None if is_robot else avatar(name, kind="user"),
        "invited": False,
    }
