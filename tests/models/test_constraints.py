"""Rules that hold in the database, whatever a form or a hand edit tries."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import RestrictedError

from mirrors.models import Mirror, Namespace, Repository, RepositoryPermission, Robot, Sync, TagCopy, Team, User


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mirrors_namespace SET name = 'Upper'",
        "UPDATE mirrors_namespace SET name = 'a..b'",
        "UPDATE mirrors_namespace SET kind = 'user'",
        "UPDATE mirrors_namespace SET kind = 'club'",
        "UPDATE mirrors_repository SET name = 'a//b'",
        "UPDATE mirrors_repository SET name = 'Upper'",
        "UPDATE mirrors_repository SET state = 'BROKEN'",
        "UPDATE mirrors_repository SET visibility = 'secret'",
        "UPDATE mirrors_robot SET name = 'a--b'",
        "UPDATE mirrors_user SET username = 'No Good'",
        "UPDATE mirrors_team SET role = 'king'",
        "UPDATE mirrors_repositorypermission SET role = 'king'",
        "UPDATE mirrors_repositorypermission SET robot_id = NULL",
        "UPDATE mirrors_tagcopy SET action = 'eaten'",
    ],
)
def test_the_database_refuses_what_no_rule_allows(mirror: Mirror, statement: str) -> None:
    RepositoryPermission.objects.create(repository=mirror.repository, robot=mirror.robot)
    TagCopy.objects.create(sync=Sync.objects.create(mirror=mirror), tag="v1", action="copied")

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("name", ["app", "a/b/c", "a__b", "a--b", "a.b_c-d/e0"])
def test_repository_names_of_the_distribution_specification_are_taken(organization: Namespace, name: str) -> None:
    Repository.objects.create(namespace=organization, name=name)


def test_names_are_unique_where_they_must_be(organization: Namespace, owner: User, mirror: Mirror) -> None:
    again = [
        lambda: Namespace.objects.create(name=organization.name),
        lambda: Repository.objects.create(namespace=organization, name="app"),
        lambda: Robot.objects.create(namespace=organization, name="mirror"),
        lambda: Team.objects.create(namespace=organization, name=Team.OWNERS),
        lambda: Mirror.objects.create(
            repository=mirror.repository, robot=mirror.robot, source_reference="x/y", tag_patterns=["*"]
        ),
    ]
    for create in again:
        with pytest.raises(IntegrityError), transaction.atomic():
            create()


def test_a_tag_has_one_outcome_in_a_sync(mirror: Mirror) -> None:
    sync = Sync.objects.create(mirror=mirror)
    TagCopy.objects.create(sync=sync, tag="v1", action="copied")

    with pytest.raises(IntegrityError), transaction.atomic():
        TagCopy.objects.create(sync=sync, tag="v1", action="failed")


def test_a_robot_that_writes_a_mirror_cannot_be_deleted(mirror: Mirror) -> None:
    with pytest.raises(RestrictedError):
        mirror.robot.delete()


def test_a_namespace_goes_with_its_mirrors_and_their_robots(mirror: Mirror) -> None:
    mirror.repository.namespace.delete()
    assert not Mirror.objects.exists()


def test_every_user_has_a_namespace_of_the_same_name(owner: User) -> None:
    namespace = Namespace.objects.get(name="owner")

    assert (namespace.kind, namespace.user) == (Namespace.Kind.USER, owner)


def test_a_robot_gets_a_long_random_token_when_it_is_made(organization: Namespace) -> None:
    first = Robot.objects.create(namespace=organization, name="first")
    second = Robot.objects.create(namespace=organization, name="second")

    assert first.token
    assert len(first.token) == 64
    assert first.token != second.token
    assert first.full_name == "acme+first"
