"""The role that each account has on a repository: by itself, by its teams, by its namespace, or as everybody."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from mirrors.errors import Forbidden, NotFound
from mirrors.models import Namespace, Repository, RepositoryPermission, Robot, Team, User
from mirrors.oci.images.names import is_repository_name
from mirrors.services.access.accounts import (
    Account,
    is_superuser,
    memberships_of,
    memberships_with,
    reaches_everything,
    sees_everything,
)
from mirrors.services.access.namespaces import administered_namespaces, administers_namespace

Role = RepositoryPermission.Role
STRENGTH = {Role.READ: 1, Role.WRITE: 2, Role.ADMIN: 3}


def repository_role(account: Account, repository: Repository) -> Role | None:
    """The strongest role this account has on the repository, whatever its state; None for none at all."""
    roles = {Role.READ} if repository.is_public or sees_everything(account) else set()
    if isinstance(account, User) and account.is_active:
        if administers_namespace(account, repository.namespace):
            return Role.ADMIN
        roles |= _granted(repository, account)
    elif isinstance(account, Robot):
        if memberships_with(account, Team.Role.ADMIN).filter(team__namespace=repository.namespace_id).exists():
            return Role.ADMIN
        roles |= _granted(repository, account)
    return max(roles, key=STRENGTH.__getitem__, default=None)


def has_role(account: Account, repository: Repository, *, role: Role) -> bool:
    """Whether the account has this role on the repository, or a stronger one."""
    held = repository_role(account, repository)
    return held is not None and STRENGTH[held] >= STRENGTH[role]


def may_pull(account: Account, repository: Repository) -> bool:
    """Whether the account may read content."""
    return repository_role(account, repository) is not None


def may_administer(account: Account, repository: Repository) -> bool:
    """Whether the account may see and change the mirror."""
    return repository_role(account, repository) == Role.ADMIN


def visible_repositories(account: Account, *, with_public: bool = True) -> QuerySet[Repository]:
    """Every repository the account may see, in one query; without the public ones those that it has a role on."""
    repositories = Repository.objects.select_related("namespace", "namespace__target_registry")
    visible = Q(visibility=Repository.Visibility.PUBLIC) if with_public else Q(pk__in=())
    if sees_everything(account):
        return repositories
    if isinstance(account, Robot) or (isinstance(account, User) and account.is_active):
        visible |= Q(pk__in=_permissions_of(account).values("repository"))
        visible |= Q(namespace__in=memberships_with(account, Team.Role.ADMIN).values("team__namespace"))
    if isinstance(account, User) and account.is_active:
        visible |= Q(namespace__user=account)
    return repositories.filter(visible)


def administered_repositories(account: Account, *, reading: bool = False) -> QuerySet[Repository]:
    """Every repository the account administers, in one query. reading: those who see everything see all of these."""
    repositories = Repository.objects.select_related("namespace", "namespace__target_registry")
    return repositories.filter(is_administered(account, reading=reading))


def is_administered(account: Account, *, repository: str = "", reading: bool = False) -> Q:
    """The condition that the account administers the repository. repository: the path to it, empty for itself."""
    if reaches_everything(account, reading=reading):
        return Q()
    if not isinstance(account, User) or not account.is_active:
        return Q(pk__in=())
    namespace, key = (f"{repository}__namespace", repository) if repository else ("namespace", "pk")
    own = Q(**{f"{namespace}__user": account})
    by_team = Q(**{f"{namespace}__in": memberships_with(account, Team.Role.ADMIN).values("team__namespace")})
    granted = Q(**{f"{key}__in": _permissions_of(account).filter(role=Role.ADMIN).values("repository")})
    return own | by_team | granted


def administered_among(user: User, repositories: Iterable[Repository]) -> set[int]:
    """The primary keys of those repositories that the user administers, in two queries for any number of them."""
    repositories = list(repositories)
    if is_superuser(user):
        return {repository.pk for repository in repositories}
    namespaces = set(administered_namespaces(user).values_list("pk", flat=True))
    granted = _permissions_of(user).filter(role=Role.ADMIN, repository__in=repositories)
    own = set(granted.values_list("repository", flat=True))
    return {
        repository.pk for repository in repositories if repository.namespace_id in namespaces or repository.pk in own
    }


def find_repository(full_name: str, *, account: Account, administer: bool = False) -> Repository:
    """The repository of this `namespace/name`. NotFound where the account may not even see it, else Forbidden."""
    repository = _named(full_name)
    role = repository_role(account, repository) if repository else None
    if repository is None or role is None:
        raise NotFound(f"There is no repository {full_name}.")
    if administer and role != Role.ADMIN:
        raise Forbidden(f"You need to administer {full_name} for that.")
    return repository


def has_role_on_name(account: Account, full_name: str, *, role: Role, reading: bool = False) -> bool:
    """Whether the account has the role on this `namespace/name`; on a missing one its namespace's administrators have.

    So only they learn that a repository does not exist; to all others a missing one is like a forbidden one.
    reading: nothing is going to be changed, so whoever sees everything has any role.
    """
    if reading and sees_everything(account):
        return True
    repository = _named(full_name)
    if repository is not None:
        return has_role(account, repository, role=role)
    namespace = Namespace.objects.filter(name=full_name.partition("/")[0]).first()
    if namespace is None:
        return is_superuser(account)
    return administers_namespace(account, namespace)


def _named(full_name: str) -> Repository | None:
    if not is_repository_name(full_name):  # PostgreSQL takes no NUL, not even to look for it
        return None
    namespace, _, name = full_name.partition("/")
    repositories = Repository.objects.select_related("namespace", "namespace__target_registry")
    return repositories.filter(namespace__name=namespace, name=name).first()


def _granted(repository: Repository, account: User | Robot) -> set[Role]:
    return {
        Role(role) for role in _permissions_of(account).filter(repository=repository).values_list("role", flat=True)
    }


def _permissions_of(account: User | Robot) -> QuerySet[RepositoryPermission]:
    """Those given to the account itself and to its teams."""
    teams = memberships_of(account).values("team")
    own = Q(robot=account) if isinstance(account, Robot) else Q(user=account)
    return RepositoryPermission.objects.filter(own | Q(team__in=teams))
