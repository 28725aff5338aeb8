"""Organizations: changing, renaming and removing them with all that is theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mirrors.errors import AlreadyExists, InvalidInput
from mirrors.models import LogEntry, Mirror, Namespace, OrganizationMirror, Repository, Robot, Sync, Team, User
from mirrors.oci import Store
from mirrors.services.accounts import organizations, robots
from mirrors.services.repositories import removal
from tests.fixtures.domain import mirror_organization


def kinds() -> list[str]:
    return list(LogEntry.objects.order_by("id").values_list("kind", flat=True))


def test_what_is_changed_is_logged_in_quays_words_and_nothing_else_is(organization: Namespace) -> None:
    organizations.change_organization(organization, {"email": "a@example.com", "tag_expiration_seconds": 60})
    organizations.change_organization(organization, {"email": "a@example.com", "invoice_email": True})

    organization.refresh_from_db()
    assert (organization.email, organization.tag_expiration_seconds, organization.invoice_email) == (
        "a@example.com",
        60,
        True,
    )
    assert kinds() == ["org_change_email", "org_change_tag_expiration", "org_change_invoicing"]
    assert LogEntry.objects.order_by("id")[0].metadata["old_email"] == ""


def test_an_address_that_is_none_is_refused(organization: Namespace) -> None:
    with pytest.raises(InvalidInput, match="valid email") as refusal:
        organizations.change_organization(organization, {"email": "nonsense"})

    assert refusal.value.field == "email"
    assert not kinds()


def test_an_empty_organization_is_renamed_and_its_robots_follow(organization: Namespace, robot: Robot) -> None:
    organizations.rename_organization(organization, "umbrella")

    assert robots.find_robot("umbrella+mirror") == robot
    assert LogEntry.objects.get().metadata == {"namespace": "umbrella", "old_name": "acme", "new_name": "umbrella"}


def test_an_organization_with_repositories_keeps_its_name(repository: Repository) -> None:
    with pytest.raises(InvalidInput, match="acme has repositories, and their content is kept under its name"):
        organizations.rename_organization(repository.namespace, "umbrella")

    assert Namespace.objects.filter(name="acme").exists()


@pytest.mark.parametrize(("name", "error"), [("owner", AlreadyExists), ("Upper", InvalidInput), ("a/b", InvalidInput)])
def test_a_taken_or_bad_new_name_is_refused(organization: Namespace, name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        organizations.rename_organization(organization, name)

    assert Namespace.objects.filter(name="acme").exists()


@pytest.mark.django_db(transaction=True)
def test_a_deleted_organization_takes_all_that_is_its_own_along(
    make_mirror: Callable[..., Mirror], robot: Robot, owner: User, store_dir: Path
) -> None:
    running = Sync.objects.create(mirror=make_mirror("one"))
    assert running.start(worker="w", snapshot={})
    make_mirror("two")
    mirror_organization(robot)
    store = Store(store_dir)
    for name in ("acme/one", "acme/two", "acme/two/nested", "other/app"):
        (store.folder(name) / "_tags").mkdir(parents=True)
    Repository.objects.create(namespace=robot.namespace, name="two/nested")

    organizations.delete_organization(robot.namespace)

    assert [namespace.name for namespace in Namespace.objects.all()] == ["owner"]
    for model in (Repository, Mirror, OrganizationMirror, Sync, Robot, Team):
        assert not model.objects.exists(), model
    assert not running.renew(), "its worker stops"
    assert list(store.repositories()) == ["other/app"]
    entry = LogEntry.objects.get(kind="org_delete")
    assert (entry.namespace, entry.namespace_name) == (None, "acme")
    assert kinds().count("delete_repo") == 3


@pytest.mark.django_db(transaction=True)
def test_nothing_goes_where_a_part_cannot(
    mirror: Mirror, robot: Robot, stranger: User, store_dir: Path, organization: Namespace
) -> None:
    elsewhere = organizations.create_organization("elsewhere", by=stranger)
    foreign = Repository.objects.create(namespace=elsewhere, name="app")
    Mirror.objects.create(
        repository=foreign, robot=robot, source_reference="registry.example.com/a/b", tag_patterns=["*"]
    )
    folder = Store(store_dir).folder("acme/app") / "_tags"
    folder.mkdir(parents=True)
    before = LogEntry.objects.count()

    with pytest.raises(InvalidInput, match="acme cannot be removed: one of its robots writes mirrors of another"):
        organizations.delete_organization(organization)

    assert Mirror.objects.count() == 2
    assert (folder.exists(), LogEntry.objects.count()) == (True, before)


def test_a_persons_space_goes_the_same_way(stranger: User) -> None:
    space = Namespace.objects.get(user=stranger)
    Repository.objects.create(namespace=space, name="app")
    robots.create_robot(space, "ci")

    removal.delete_namespace(space)

    assert not Repository.objects.exists()
    assert not Robot.objects.exists()
