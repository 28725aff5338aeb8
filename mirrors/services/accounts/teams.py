"""Teams of an organization and who is in them. An organization never loses its last administrator this way."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet

from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Namespace, Robot, Team, TeamMember, User
from mirrors.services import access
from mirrors.services.accounts import namespaces, robots
from mirrors.services.logs import log_entries
from mirrors.services.new_rows import validate

Role = Team.Role


def find_team(organization: Namespace, name: str) -> Team:
    """The organization's team of this name; raises NotFound."""
    team = Team.objects.select_related("namespace").filter(namespace=organization, name=name).first()
    if team is None:
        raise NotFound(f"There is no team named {name} in {organization}.", field="team")
    return team


def teams_of(organization: Namespace) -> QuerySet[Team]:
    """Its teams by name, each with `member_count` and `repo_count`."""
    return organization.teams.order_by("name").annotate(
        member_count=Count("members", distinct=True), repo_count=Count("permissions", distinct=True)
    )


def is_in(account: access.Account, team: Team) -> bool:
    """Whether it is a user who belongs to the team."""
    return isinstance(account, User) and TeamMember.objects.filter(team=team, user=account).exists()


def keys_of(account: access.Account, organization: Namespace) -> set[int]:
    """The primary keys of the organization's teams that the user belongs to."""
    if not isinstance(account, User):
        return set()
    return set(TeamMember.objects.filter(team__namespace=organization, user=account).values_list("team", flat=True))


@transaction.atomic
def set_team(
    organization: Namespace, name: str, *, role: str | None = None, description: str | None = None
) -> tuple[Team, bool]:
    """Make the team, or change what is given of it; gives it and whether it is new."""
    namespaces.lock(organization)
    team = organization.teams.filter(name=name).first()
    if team is None:
        return _create_team(organization, name, role=role or Role.MEMBER, description=description or ""), True
    before = (team.role, team.description)
    team.role = Role(role) if role is not None else team.role
    team.description = description if description is not None else team.description
    validate(team, exclude={"namespace"})
    if (team.role, team.description) == before:
        return team, False
    if team.role != Role.ADMIN:
        check_stays_administered(organization, without=Q(team=team))
    team.save(update_fields=["role", "description"])
    if team.role != before[0]:
        log_entries.record("org_set_team_role", namespace=organization, team=name, role=team.role)
    if team.description != before[1]:
        log_entries.record("org_set_team_description", namespace=organization, team=name, description=team.description)
    return team, False


@transaction.atomic
def delete_team(team: Team) -> None:
    """Remove the team and the roles that it gives; raises InvalidInput where the last administrators are in it."""
    namespaces.lock(team.namespace)
    check_stays_administered(team.namespace, without=Q(team=team))
    log_entries.record("org_delete_team", namespace=team.namespace, team=team.name)
    team.delete()


@transaction.atomic
def add_member(team: Team, name: str) -> TeamMember:
    """Put the user, or the organization's robot of this `namespace+name`, into the team; once is enough."""
    member, is_new = TeamMember.objects.get_or_create(team=team, **_account_named(team.namespace, name))
    if is_new:
        log_entries.record("org_add_team_member", namespace=team.namespace, team=team.name, member=name)
    return member


@transaction.atomic
def remove_member(team: Team, name: str) -> None:
    """Take the account out of the team; raises InvalidInput where it is not in it, or is the last administrator."""
    namespaces.lock(team.namespace)
    member = next((member for member in members_of(team) if name_of(member) == name), None)
    if member is None:
        raise InvalidInput(f"{name} is not a member of the team {team.name}.", field="member")
    check_stays_administered(team.namespace, without=Q(pk=member.pk))
    member.delete()
    log_entries.record("org_remove_team_member", namespace=team.namespace, team=team.name, member=name)


def members_of(team: Team) -> QuerySet[TeamMember]:
    """Who is in it: people before robots, each by name."""
    people_first = F("user__username").asc(nulls_last=True)
    return team.members.select_related("user", "robot__namespace").order_by(people_first, "robot__name")


def name_of(member: TeamMember) -> str:
    """The name of the user or robot."""
    if member.robot is not None:
        return member.robot.full_name
    return member.user.username if member.user is not None else ""


def administrators_of(organization: Namespace) -> QuerySet[TeamMember]:
    """The memberships that make somebody its administrator; robots and people who may not sign in do not count."""
    return TeamMember.objects.filter(
        team__namespace=organization, team__role=Role.ADMIN, user__is_active=True
    ).select_related("user")


def check_stays_administered(organization: Namespace, *, without: Q) -> None:
    """Raise InvalidInput where nobody would administer the organization any more, were it not for these memberships."""
    administrators = administrators_of(organization)
    if administrators.filter(without).exists() and not administrators.exclude(without).exists():
        raise InvalidInput(
            f"This would leave {organization} without an administrator: "
            "put another user into a team with the role admin first.",
            field="team",
        )


def check_member(organization: Namespace, account: User | Robot | None) -> None:
    """Raise InvalidInput for another organization's robot."""
    if isinstance(account, Robot) and account.namespace_id != organization.pk:
        raise InvalidInput(f"Invalid robot: {account.full_name} does not belong to {organization}.", field="robot")


def _create_team(organization: Namespace, name: str, *, role: str, description: str) -> Team:
    team = Team(namespace=organization, name=name, role=role, description=description)
    validate(team, exclude={"namespace"})
    team.save()
    log_entries.record("org_create_team", namespace=organization, team=name)
    return team


def _account_named(organization: Namespace, name: str) -> dict[str, Any]:
    if "+" in name:
        try:
            robot = robots.find_robot(name)
        except NotFound as error:
            raise InvalidInput(error.message, field="member") from error
        check_member(organization, robot)
        return {"robot": robot}
    user = User.objects.filter(username=name).first()
    if user is None:
        raise InvalidInput(f"Unknown user: there is nobody named {name}.", field="member")
    return {"user": user}
