"""Who may do what: one table, every account against every kind of repository."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from mirrors.errors import Forbidden, NotFound, NotWritable
from mirrors.models import (
    Mirror,
    Namespace,
    Repository,
    RepositoryPermission,
    Robot,
    Team,
    TeamMember,
    User,
)
from mirrors.services import access
from tests.fixtures.domain import join, mirror_organization

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
        "robot of owners": Robot.objects.create(namespace=organization, name="boss"),
        "read-only superuser": make_user("auditor", is_readonly_superuser=True),
        "inactive auditor": make_user("inactive-auditor", is_readonly_superuser=True, is_active=False),
        "teammate": make_user("teammate"),
        "robot of team": Robot.objects.create(namespace=organization, name="teammate"),
    }
    for role in ("reader", "writer", "admin"):
        found[role] = make_user(role)
        granted = {"reader": Role.READ, "writer": Role.WRITE, "admin": Role.ADMIN}[role]
        RepositoryPermission.objects.create(repository=repository, user=found[role], role=granted)
    team = Team.objects.create(namespace=organization, name="writers")
    RepositoryPermission.objects.create(repository=repository, team=team, role=Role.WRITE)
    for member in ("teammate", "robot of team"):
        TeamMember.objects.create(team=team, **{"robot" if "robot" in member else "user": found[member]})
    join(organization, found["robot of owners"], role="admin")
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
    "robot of owners": (Role.ADMIN, Role.ADMIN, False),
    "teammate": (Role.WRITE, Role.WRITE, False),
    "robot of team": (Role.WRITE, Role.WRITE, False),
    "read-only superuser": (Role.READ, Role.READ, False),
    "inactive auditor": (None, Role.READ, False),
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


@pytest.mark.parametrize("account", TABLE)
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


@pytest.mark.parametrize("account", TABLE)
def test_without_the_public_ones_lists_show_what_the_account_has_a_role_on(
    accounts: dict[str, Any], organization: Namespace, repository: Repository, account: str
) -> None:
    Repository.objects.create(namespace=organization, name="shown", visibility="public")
    all_of_it = account in ("owner", "superuser", "read-only superuser", "robot of owners")

    names = {each.name for each in access.visible_repositories(accounts[account], with_public=False)}

    assert names == ({"app", "shown"} if all_of_it else {"app"} if TABLE[account][0] else set())


@pytest.mark.parametrize("account", TABLE)
def test_reading_with_an_administrators_eyes_is_for_administrators_and_read_only_superusers(
    accounts: dict[str, Any], repository: Repository, account: str
) -> None:
    who, is_admin = accounts[account], TABLE[account][0] == Role.ADMIN
    reads = is_admin or account == "read-only superuser"

    assert access.has_role_on_name(who, "acme/app", role=Role.ADMIN) is is_admin
    assert access.has_role_on_name(who, "acme/app", role=Role.ADMIN, reading=True) is reads
    assert access.may_see_namespace_settings(who, repository.namespace) is (
        account in ("owner", "superuser", "read-only superuser")
    )


@pytest.mark.parametrize("account", ["owner", "superuser", "admin", "read-only superuser", "stranger", "none"])
def test_only_who_administers_a_namespace_learns_what_it_lacks(
    accounts: dict[str, Any], organization: Namespace, account: str
) -> None:
    knows = account in ("owner", "superuser")
    assert access.has_role_on_name(accounts[account], "acme/missing", role=Role.READ) is knows
    assert access.has_role_on_name(accounts[account], "acme/\u00c4", role=Role.READ) is knows
    assert access.has_role_on_name(accounts[account], "nowhere/app", role=Role.READ) is (account == "superuser")


@pytest.fixture
def writers(accounts: dict[str, Any], repository: Repository) -> dict[str, Any]:
    """The accounts, and the robots of a mirror of acme/app, of its organization's mirror and of neither."""
    organization = repository.namespace
    for name in ("mirror", "weak", "whole"):
        accounts[name] = Robot.objects.create(namespace=organization, name=name)
    RepositoryPermission.objects.create(repository=repository, robot=accounts["mirror"], role=Role.WRITE)
    Mirror.objects.create(
        repository=repository, source_reference="registry.example.com/a/b", tag_patterns=["*"], robot=accounts["mirror"]
    )
    mirror_organization(accounts["whole"])
    return accounts


WRITERS = {
    "NORMAL": {
        "owner",
        "superuser",
        "admin",
        "writer",
        "writing robot",
        "robot of owners",
        "teammate",
        "robot of team",
        "mirror",
    },
    "READ_ONLY": set(),
    "MIRROR": {"mirror"},
    "ORG_MIRROR": {"whole"},
}


@pytest.mark.parametrize("state", WRITERS)
def test_each_state_lets_write_whom_the_table_names(
    writers: dict[str, Any], repository: Repository, state: str
) -> None:
    repository.state = state

    assert {name for name, who in writers.items() if access.may_write_tags(who, repository)} == WRITERS[state]


def test_a_mirrors_robot_without_the_right_to_write_does_not_write(
    writers: dict[str, Any], repository: Repository
) -> None:
    repository.state = "MIRROR"
    Mirror.objects.update(robot=writers["weak"])
    assert not access.may_write_tags(writers["weak"], repository)


@pytest.mark.parametrize("state", ["READ_ONLY", "MIRROR", "ORG_MIRROR"])
def test_who_may_not_write_because_of_the_state_is_told_so(
    writers: dict[str, Any], repository: Repository, state: str
) -> None:
    repository.state = state
    with pytest.raises(NotWritable, match="Repository is in read only or mirror mode: acme/app is in the " + state):
        access.check_may_write_tags(writers["owner"], repository)


def test_who_lacks_the_role_is_told_so(writers: dict[str, Any], repository: Repository) -> None:
    with pytest.raises(Forbidden, match="You need the role write on acme/app"):
        access.check_may_write_tags(writers["reader"], repository)
