"""Who may do what with one repository: giving roles to users, robots and teams, and taking them away."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Repository, RepositoryPermission, Robot, Team, TeamMember, User
from mirrors.services.accounts import robots
from mirrors.services.logs.log_entries import record

Role = RepositoryPermission.Role
Holder = User | Robot | Team
NO_USER_PERMISSION = "User does not have permission for repo."
NO_TEAM_PERMISSION = "Team does not have permission for repo."


def account_permissions(repository: Repository) -> list[RepositoryPermission]:
    """Those of users and robots, by name."""
    permissions = repository.permissions.filter(team=None).select_related("user", "robot__namespace")
    return sorted(permissions, key=lambda permission: name_of(holder_of(permission)))


def team_permissions(repository: Repository) -> list[RepositoryPermission]:
    """Those of teams, by name."""
    return list(repository.permissions.exclude(team=None).select_related("team").order_by("team__name"))


def members_among(repository: Repository, permissions: Collection[RepositoryPermission]) -> set[int]:
    """The primary keys of the users with these permissions who belong to the repository's organization; one query."""
    users = [permission.user_id for permission in permissions if permission.user_id is not None]
    members = TeamMember.objects.filter(team__namespace=repository.namespace_id, user__in=users)
    return {user for user in members.values_list("user", flat=True) if user is not None}


def holder_of(permission: RepositoryPermission) -> Holder:
    """Whose it is."""
    holder = permission.user or permission.robot or permission.team
    assert holder is not None, "a constraint of the table"  # noqa: S101
    return holder


def name_of(holder: Holder) -> str:
    """What the API calls it; a robot is `namespace+name`."""
    if isinstance(holder, Robot):
        return holder.full_name
    return holder.username if isinstance(holder, User) else holder.name


def find_account(name: str) -> User | Robot:
    """The user of this name, or the robot of this `namespace+name`; raises NotFound."""
    if "+" in name:
        return robots.find_robot(name)
    user = User.objects.filter(username=name).first()
    if user is None:
        raise NotFound(f"There is no user named {name}.", field="username")
    return user


def find_permission(repository: Repository, holder: Holder) -> RepositoryPermission:
    """The role that was given to the holder itself; raises InvalidInput, as Quay does, where there is none."""
    permission = RepositoryPermission.objects.filter(repository=repository, **_column(holder)).first()
    if permission is None:
        raise InvalidInput(NO_TEAM_PERMISSION if isinstance(holder, Team) else NO_USER_PERMISSION, field="username")
    return permission


def roles_through_anything(repository: Repository, user: User | Robot) -> list[Role]:
    """The roles the account has by itself and by its teams, the strongest last."""
    memberships = user.team_memberships.values("team")
    roles = RepositoryPermission.objects.filter(repository=repository)
    found = roles.filter(**_column(user)) | roles.filter(team__in=memberships)
    return sorted({Role(role) for role in found.values_list("role", flat=True)}, key=Role.values.index)


@transaction.atomic
def set_role(repository: Repository, holder: Holder, *, role: str) -> RepositoryPermission:
    """Give this role in place of whatever it has.

    InvalidInput for the owner of a user's space, who has them all, and for a team of another organization.
    """
    if isinstance(holder, User) and repository.namespace.user_id == holder.pk:
        raise InvalidInput("Namespace owner must always be admin.", field="role")
    if isinstance(holder, Team) and holder.namespace_id != repository.namespace_id:
        raise InvalidInput(f"The team {holder} does not belong to {repository.namespace}.", field="team")
    permission, _ = RepositoryPermission.objects.update_or_create(
        repository=repository, **_column(holder), defaults={"role": role}
    )
    record("change_repo_permission", repository=repository, role=role, **_logged(holder))
    return permission


@transaction.atomic
def remove_role(repository: Repository, holder: Holder) -> None:
    """Take away the role that was given to the holder itself; raises InvalidInput where there is none."""
    find_permission(repository, holder).delete()
    record("delete_repo_permission", repository=repository, **_logged(holder))


def _column(holder: Holder) -> dict[str, Any]:
    return {_kind(holder): holder}


def _kind(holder: Holder) -> str:
    if isinstance(holder, Robot):
        return "robot"
    return "user" if isinstance(holder, User) else "team"


def _logged(holder: Holder) -> dict[str, Any]:
    return {"team" if isinstance(holder, Team) else "username": name_of(holder)}
