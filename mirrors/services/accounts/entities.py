"""Finding accounts by the beginning of their names, as far as the one who asks may know of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Length

from mirrors.models import Namespace, TeamMember, User
from mirrors.services import access
from mirrors.services.accounts import namespaces

MOST_OF_A_KIND = 10


class Kind(StrEnum):
    """What was found, in Quay's words; robots are users."""

    USER = "user"
    TEAM = "team"
    ORGANIZATION = "org"


@dataclass(frozen=True)
class Entity:
    """One that was found. is_member: whether it belongs to the namespace that was named; None without any."""

    name: str
    kind: Kind
    is_robot: bool = False
    is_member: bool | None = None


def search(
    prefix: str,
    *,
    account: access.Account,
    namespace_name: str = "",
    with_teams: bool = False,
    with_organizations: bool = False,
) -> list[Entity]:
    """Teams, users, robots and organizations whose names begin like this, in a constant number of queries.

    Teams and robots are those of the namespace, and only for who belongs to it; of a user's space, for that user.
    """
    prefix = prefix.lower()  # as all names are; databases differ in whether they mind
    namespace = Namespace.objects.filter(name=namespace_name).first() if namespace_name else None
    if namespace is not None and not _belongs(account, namespace):
        namespace = None
    found = _teams(prefix, namespace) if namespace and with_teams else []
    found += _users(prefix, namespace)
    found += _robots(prefix, namespace) if namespace else []
    return found + (_organizations(prefix, namespace_name) if with_organizations else [])


def _belongs(account: access.Account, namespace: Namespace) -> bool:
    return access.may_see_namespace_settings(account, namespace) or namespaces.is_member(account, namespace)


def _users(prefix: str, namespace: Namespace | None) -> list[Entity]:
    names = _first(User.objects.filter(username__startswith=prefix), column="username")
    if namespace is None or namespace.kind == Namespace.Kind.USER:
        return [Entity(name, Kind.USER) for name in names]
    members = TeamMember.objects.filter(team__namespace=namespace, user__username__in=names)
    inside = set(members.values_list("user__username", flat=True))
    return [Entity(name, Kind.USER, is_member=name in inside) for name in names]


def _teams(prefix: str, organization: Namespace) -> list[Entity]:
    names = _first(organization.teams.filter(name__startswith=prefix))
    return [Entity(name, Kind.TEAM, is_member=True) for name in names]


def _robots(prefix: str, namespace: Namespace) -> list[Entity]:
    full = f"{namespace.name}+"
    if not (prefix.startswith(full) or full.startswith(prefix)):
        return []
    names = _first(namespace.robots.filter(name__startswith=prefix[len(full) :]))
    return [Entity(full + name, Kind.USER, is_robot=True, is_member=True) for name in names]


def _organizations(prefix: str, name: str) -> list[Entity]:
    """The one that was named, as in Quay; any where none was."""
    found = Namespace.objects.filter(kind=Namespace.Kind.ORGANIZATION, name__startswith=prefix)
    names = _first(found.filter(name=name) if name else found)
    return [Entity(each, Kind.ORGANIZATION, is_member=True if name else None) for each in names]


def _first(found: QuerySet[Any], *, column: str = "name") -> list[str]:
    # By length first: what was typed in full is never cut off by what only begins like it.
    names = found.order_by(Length(column), column).values_list(column, flat=True)
    return list(names[:MOST_OF_A_KIND])
