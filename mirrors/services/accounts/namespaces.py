"""Namespaces, be it an organization's or a person's own: finding them, and who belongs to them."""

from __future__ import annotations

import re

from mirrors.errors import Forbidden, NotFound
from mirrors.models import Namespace, TeamMember, User
from mirrors.models.names import NAMESPACE_NAME
from mirrors.services import access


def find_namespace(name: str, *, administered_by: User | None = None) -> Namespace:
    """The namespace of this name; with `administered_by`, Forbidden unless that user administers it."""
    found = Namespace.objects.select_related("target_registry").filter(name=name)
    # PostgreSQL takes no NUL, not even to look for it.
    namespace = found.first() if re.match(NAMESPACE_NAME, name) else None
    if namespace is None:
        raise NotFound(f"There is no organization or user named {name}.", field="namespace")
    if administered_by is not None and not access.administers_namespace(administered_by, namespace):
        raise Forbidden(f"You need to administer {name} for that.")
    return namespace


def organizations_of(user: User) -> list[Namespace]:
    """The organizations the user belongs to."""
    return list(Namespace.objects.filter(kind=Namespace.Kind.ORGANIZATION, teams__members__user=user).distinct())


def is_member(account: access.Account, namespace: Namespace) -> bool:
    """Whether it is a user who belongs to the organization, in whatever role."""
    return isinstance(account, User) and TeamMember.objects.filter(team__namespace=namespace, user=account).exists()


def lock(namespace: Namespace) -> None:
    """Until the transaction ends, let nobody else change what belongs to the namespace as a whole.

    NotFound where somebody has just removed it.
    """
    if not list(Namespace.objects.select_for_update().filter(pk=namespace.pk).values_list("pk")):
        raise NotFound(f"There is no organization or user named {namespace} any more.", field="namespace")
