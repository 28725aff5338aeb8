"""Organizations and users' own spaces."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from mirrors.models import Namespace, Team, User
from mirrors.services.access.accounts import Account, is_superuser, memberships_with, sees_everything


def administers_namespace(account: Account, namespace: Namespace) -> bool:
    """Superusers, the owner of a user's space, and the people in an organization's admin teams."""
    if not isinstance(account, User) or not account.is_active:
        return False
    return (
        is_superuser(account)
        or namespace.user_id == account.pk
        or memberships_with(account, Team.Role.ADMIN).filter(team__namespace=namespace).exists()
    )


def may_see_namespace_settings(account: Account, namespace: Namespace) -> bool:
    """Whoever administers it or sees everything: its organization mirror and its logs, but no robot's token."""
    return sees_everything(account) or administers_namespace(account, namespace)


def may_create_repository(account: Account, namespace: Namespace) -> bool:
    """Administrators, and members with the creator role."""
    if administers_namespace(account, namespace):
        return True
    return (
        isinstance(account, User)
        and account.is_active
        and memberships_with(account, Team.Role.CREATOR).filter(team__namespace=namespace).exists()
    )


def administered_namespaces(user: User) -> QuerySet[Namespace]:
    """Every namespace the user administers."""
    if is_superuser(user):
        return Namespace.objects.all()
    admin_of = memberships_with(user, Team.Role.ADMIN).values("team__namespace")
    return Namespace.objects.filter(Q(user=user) | Q(pk__in=admin_of))


def namespaces_to_create_in(user: User) -> QuerySet[Namespace]:
    """Every namespace in which the user may create repositories."""
    creator_in = memberships_with(user, Team.Role.CREATOR).values("team__namespace")
    return administered_namespaces(user) | Namespace.objects.filter(pk__in=creator_in)
