"""Who counts as what."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from mirrors.models import AccessToken, Robot, Team, TeamMember, User

Account = User | Robot | AnonymousUser | None


def user_of(token: AccessToken) -> User:
    """Whom the token acts as: without super:user an ordinary account. Nobody may save this user whole."""
    if "super:user" not in token.scope_set:
        token.user.is_superuser = token.user.is_readonly_superuser = False
    return token.user


def is_superuser(account: Account) -> bool:
    """Whether it is a superuser who may sign in."""
    return isinstance(account, User) and account.is_active and account.is_superuser


def sees_everything(account: Account) -> bool:
    """Superusers, and read-only superusers: those change nothing but what is their own."""
    return isinstance(account, User) and account.is_active and (account.is_superuser or account.is_readonly_superuser)


def reaches_everything(account: Account, *, reading: bool) -> bool:
    """Whether it may do something to whatever there is: superusers; what only reads, read-only superusers as well."""
    return sees_everything(account) if reading else is_superuser(account)


def memberships_of(account: User | Robot) -> QuerySet[TeamMember]:
    """The teams it is in."""
    return TeamMember.objects.filter(**{"robot" if isinstance(account, Robot) else "user": account})


def memberships_with(account: User | Robot, role: Team.Role) -> QuerySet[TeamMember]:
    """The teams of this role that it is in."""
    return memberships_of(account).filter(team__role=role)
