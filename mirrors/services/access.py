"""Who may do what: the one place that decides, for API, pages, /v2/ and commands alike."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from mirrors.errors import Forbidden, NotFound
from mirrors.models import AccessToken, Namespace, Repository, RepositoryPermission, Robot, Team, TeamMember, User
from mirrors.oci.images.names import is_repository_name

Account = User | Robot | AnonymousUser | None
Role = RepositoryPermission.Role
STRENGTH = {Role.READ: 1, Role.WRITE: 2, Role.ADMIN: 3}


def repository_role(account: Account, repository: Repository) -> Role | None:
    """The strongest role this account has on the repository, whatever its state; None for none at all."""
    roles = {Role.READ} if repository.is_public else set()
    if isinstance(account, Robot):
        roles |= _granted(repository, account)
    elif isinstance(account, User) and account.is_active:
        if administers_namespace(account, repository.namespace):
            return Role.ADMIN
        roles |= _granted(repository, account)
        if account.is_readonly_superuser:
            roles.add(Role.READ)
    return max(roles, key=STRENGTH.__getitem__, default=None)


def user_of(token: AccessToken) -> User:
    """Whom the token acts as: without super:user an ordinary account. Nobody may save this user whole."""
    if "super:user" not in token.scope_set:
        token.user.is_superuser = token.user.is_readonly_superuser = False
    return token.user


def sees_everything(account: Account) -> bool:
    """Superusers, and read-only superusers: those change nothing but what is their own."""
    return isinstance(account, User) and account.is_active and (account.is_superuser or account.is_readonly_superuser)


def may_see_namespace_settings(account: Account, namespace: Namespace) -> bool:
    """Whoever administers it or sees everything: its organization mirror and its logs, but no robot's token."""
    return sees_everything(account) or administers_namespace(account, namespace)


def administers_namespace(account: Account, namespace: Namespace) -> bool:
    """Superusers, the owner of a user's space, and an organization's administrators."""
    if not isinstance(account, User) or not account.is_active:
        return False
    return (
        account.is_superuser
        or namespace.user_id == account.pk
        or _in_team(account, Team.Role.ADMIN).filter(team__namespace=namespace).exists()
    )


def may_create_repository(account: Account, namespace: Namespace) -> bool:
    """Administrators, and members with the creator role."""
    if administers_namespace(account, namespace):
        return True
    return (
        isinstance(account, User)
        and account.is_active
        and _in_team(account, Team.Role.CREATOR).filter(team__namespace=namespace).exists()
    )


def may_pull(account: Account, repository: Repository) -> bool:
    """Whether the account may read content."""
    return repository_role(account, repository) is not None


def may_administer(account: Account, repository: Repository) -> bool:
    """Whether the account may see and change the mirror."""
    return repository_role(account, repository) == Role.ADMIN


def visible_repositories(account: Account) -> QuerySet[Repository]:
    """Every repository the account may see, in one query."""
    repositories = Repository.objects.select_related("namespace", "namespace__target_registry")
    if isinstance(account, User) and account.is_active:
        if sees_everything(account):
            return repositories
        return repositories.filter(
            Q(visibility=Repository.Visibility.PUBLIC)
            | Q(namespace__user=account)
            | Q(pk__in=_permissions_of(account).values("repository"))
            | Q(namespace__in=_in_team(account, Team.Role.ADMIN).values("team__namespace"))
        )
    return repositories.filter(visibility=Repository.Visibility.PUBLIC)


def administered_namespaces(user: User) -> QuerySet[Namespace]:
    """Every namespace the user administers."""
    if user.is_superuser:
        return Namespace.objects.all()
    admin_of = _in_team(user, Team.Role.ADMIN).values("team__namespace")
    return Namespace.objects.filter(Q(user=user) | Q(pk__in=admin_of))


def namespaces_to_create_in(user: User) -> QuerySet[Namespace]:
    """Every namespace in which the user may create repositories."""
    creator_in = _in_team(user, Team.Role.CREATOR).values("team__namespace")
    return administered_namespaces(user) | Namespace.objects.filter(pk__in=creator_in)


def administered_among(user: User, repositories: Iterable[Repository]) -> set[int]:
    """The primary keys of those repositories that the user administers, in two queries for any number of them."""
    repositories = list(repositories)
    if user.is_superuser:
        return {repository.pk for repository in repositories}
    namespaces = set(administered_namespaces(user).values_list("pk", flat=True))
    granted = _permissions_of(user).filter(role=Role.ADMIN, repository__in=repositories)
    own = set(granted.values_list("repository", flat=True))
    return {
        repository.pk for repository in repositories if repository.namespace_id in namespaces or repository.pk in own
    }


def find_repository(full_name: str, *, account: Account, administer: bool = False) -> Repository:
    """The repository of this `namespace/name`. NotFound where the account may not even see it, else Forbidden."""
    if not is_repository_name(full_name):  # PostgreSQL takes no NUL, not even to look for it
        raise NotFound(f"There is no repository {full_name}.")
    namespace, _, name = full_name.partition("/")
    repository = (
        Repository.objects.select_related("namespace", "namespace__target_registry")
        .filter(namespace__name=namespace, name=name)
        .first()
    )
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
    namespace_name, _, name = full_name.partition("/")
    repositories = Repository.objects.select_related("namespace")
    repository = repositories.filter(namespace__name=namespace_name, name=name).first()
    if repository is not None:
        held = repository_role(account, repository)
        return held is not None and STRENGTH[held] >= STRENGTH[role]
    namespace = Namespace.objects.filter(name=namespace_name).first()
    if namespace is None:
        return isinstance(account, User) and account.is_active and account.is_superuser
    return administers_namespace(account, namespace)


def _granted(repository: Repository, account: User | Robot) -> set[Role]:
    return {
        Role(role) for role in _permissions_of(account).filter(repository=repository).values_list("role", flat=True)
    }


def _permissions_of(account: User | Robot) -> QuerySet[RepositoryPermission]:
    """Those given to the account itself and to its teams."""
    teams = _memberships_of(account).values("team")
    own = Q(robot=account) if isinstance(account, Robot) else Q(user=account)
    return RepositoryPermission.objects.filter(own | Q(team__in=teams))


def _memberships_of(account: User | Robot) -> QuerySet[TeamMember]:
    return TeamMember.objects.filter(**{"robot" if isinstance(account, Robot) else "user": account})


def _in_team(account: User | Robot, role: Team.Role) -> QuerySet[TeamMember]:
    return _memberships_of(account).filter(team__role=role)
