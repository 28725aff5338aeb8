"""Who may do what: one table, every account against every kind of repository."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from mirrors.errors import Forbidden, NotFound
from mirrors.models import Namespace, Repository, RepositoryPermission, Robot, User
from mirrors.services import access
from tests.fixtures.domain import join

pytestmark = pytest.mark.django_db

Role = RepositoryPermission.Role


@pytest.fixture
def accounts(
    organization: Namespace, repository: Repository, owner: User, make_user: Callable[..., User]
) -> dict[str, Any]:
    """One account of every kind, by what it is to acme/app."""
    found: dict[str, Any] = {
        "owner": owner,
        "creator": make_user("creator"),
        "member": make_user("member"),
        "superuser": make_user("root", is_superuser=True),
        "stranger": make_user("stranger"),
        "nobody": AnonymousUser(),
        "none": None,
        "robot": Robot.objects.create(namespace=organization, name="idle"),
        "writing robot": Robot.objects.create(namespace=organization, name="writer"),
    }
    for role in ("reader", "writer", "admin"):
        found[role] = make_user(role)
        granted = {"reader": Role.READ, "writer": Role.WRITE, "admin": Role.ADMIN}[role]
        RepositoryPermission.objects.create(repository=repository, user=found[role], role=granted)
    join(organization, found["creator"], role="creator")
    join(organization, found["member"], role="member")
    RepositoryPermission.objects.create(repository=repository, robot=found["writing robot"], role=Role.WRITE)
    for name, base in (("inactive owner", "admin"), ("inactive superuser", None)):
        found[name] = make_user(name.replace(" ", "-"), is_active=False, is_superuser=base is None)
        if base:
            join(organization, found[name], role=base)
    return found


# account: role on the private repository, role on it when public, may create repositories in acme
TABLE = {
    "owner": (Role.ADMIN, Role.ADMIN, True),
    "superuser": (Role.ADMIN, Role.ADMIN, True),
    "admin": (Role.ADMIN, Role.ADMIN, False),
    "writer": (Role.WRITE, Role.WRITE, False),
    "reader": (Role.READ, Role.READ, False),
    "creator": (None, Role.READ, True),
    "member": (None, Role.READ, False),
    "stranger": (None, Role.READ, False),
    "nobody": (None, Role.READ, False),
    "none": (None, Role.READ, False),
    "robot": (None, Role.READ, False),
    "writing robot": (Role.WRITE, Role.WRITE, False),
    "inactive owner": (None, Role.READ, False),
    "inactive superuser": (None, Role.READ, False),
}


@pytest.mark.parametrize("account", TABLE)
def test_each_account_has_the_rights_of_the_table(
    accounts: dict[str, Any], repository: Repository, account: str
) -> None:
    private, public, creates = TABLE[account]
    who = accounts[account]

    assert access.repository_role(who, repository) == private
    assert access.may_pull(who, repository) == (private is not None)
    assert access.may_administer(who, repository) == (private == Role.ADMIN)
    assert access.may_create_repository(who, repository.namespace) == creates
    repository.visibility = Repository.Visibility.PUBLIC
    assert access.repository_role(who, repository) == public


@pytest.mark.parametrize("account", [name for name in TABLE if "robot" not in name])
def test_lists_show_exactly_what_the_account_may_see(
    accounts: dict[str, Any], organization: Namespace, repository: Repository, account: str
) -> None:
    shown = Repository.objects.create(namespace=organization, name="shown", visibility="public")

    visible = set(access.visible_repositories(accounts[account]))

    assert visible == {shown} | ({repository} if TABLE[account][0] else set())


@pytest.mark.parametrize("account", TABLE)
def test_who_may_not_see_a_repository_is_told_that_there_is_none(
    accounts: dict[str, Any], repository: Repository, account: str
) -> None:
    role = TABLE[account][0]
    who = accounts[account]
    if role is None:
        with pytest.raises(NotFound, match="There is no repository acme/app"):
            access.find_repository("acme/app", account=who)
        return
    assert access.find_repository("acme/app", account=who) == repository
    if role != Role.ADMIN:
        with pytest.raises(Forbidden, match="You need to administer acme/app"):
            access.find_repository("acme/app", account=who, administer=True)


def test_a_user_administers_their_own_space_and_nobody_elses(make_user: Callable[..., User]) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    space = Namespace.objects.get(name="ada")

    assert access.administers_namespace(ada, space)
    assert not access.administers_namespace(bob, space)
    assert list(access.administered_namespaces(bob)) == [Namespace.objects.get(name="bob")]
