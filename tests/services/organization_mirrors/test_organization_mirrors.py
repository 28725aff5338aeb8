"""Mirrors of whole organizations: what may not happen at the same time, and what removing them leaves."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from mirrors.errors import InvalidInput, MirrorError
from mirrors.models import DiscoveredRepository, Mirror, Namespace, OrganizationMirror, Repository, Robot, Sync, User
from mirrors.models.sync import Status
from mirrors.services.accounts import organizations
from mirrors.services.organization_mirrors import organization_mirrors
from mirrors.services.organization_mirrors.organization_mirror_fields import CLEANERS, clean
from mirrors.services.repositories import repositories
from tests.fixtures.domain import join


def values_for(robot: Robot) -> dict[str, Any]:
    return {
        "source_type": "quay",
        "source_url": "https://registry.example.com",
        "source_namespace": "team",
        "robot": robot,
        "visibility": "private",
        "sync_interval": 3600,
        "starts_at": timezone.now(),
    }


class Meanwhile(threading.Thread):
    """Does something in a transaction of its own; `error` is what it was refused with."""

    def __init__(self, act: Any) -> None:
        super().__init__()
        self.act, self.error = act, ""

    def run(self) -> None:
        try:
            self.act()
        except MirrorError as error:
            self.error = error.message
        finally:
            connection.close()


@pytest.fixture
def organization(transactional_db: None) -> Namespace:
    organization = Namespace.objects.create(name="acme", kind=Namespace.Kind.ORGANIZATION)
    join(organization, User.objects.create_user("owner"), role="admin")
    return organization


@pytest.fixture
def robot(organization: Namespace) -> Robot:
    return Robot.objects.create(namespace=organization, name="mirror")


def test_an_organization_that_is_just_getting_a_repository_is_not_mirrored(
    organization: Namespace, robot: Robot
) -> None:
    other = Meanwhile(lambda: organization_mirrors.create_organization_mirror(organization, values_for(robot)))
    with transaction.atomic():
        repositories.create_repository(organization, "app", by=User.objects.get())
        other.start()
        time.sleep(0.2)  # by now it waits for the lock
    other.join()

    assert "already contains repositories" in other.error
    assert not OrganizationMirror.objects.exists()


def test_an_organization_that_is_just_being_mirrored_gets_no_repository(organization: Namespace, robot: Robot) -> None:
    other = Meanwhile(lambda: repositories.create_repository(organization, "app", by=User.objects.get()))
    with transaction.atomic():
        organization_mirrors.create_organization_mirror(organization, values_for(robot))
        other.start()
        time.sleep(0.2)
    other.join()

    assert other.error == organization_mirrors.CREATING_A_REPOSITORY
    assert not Repository.objects.exists()


def test_two_mirrors_of_one_organization_are_never_made(organization: Namespace, robot: Robot) -> None:
    other = Meanwhile(lambda: organization_mirrors.create_organization_mirror(organization, values_for(robot)))
    with transaction.atomic():
        organization_mirrors.create_organization_mirror(organization, values_for(robot))
        other.start()
        time.sleep(0.2)
    other.join()

    assert other.error == "Mirror configuration already exists for this organization"


def test_while_an_organization_is_mirrored_its_repositories_are_not_managed_one_by_one(
    organization: Namespace, robot: Robot
) -> None:
    mirror = organization_mirrors.create_organization_mirror(organization, values_for(robot))
    found = Repository.objects.create(namespace=organization, name="app", state=Repository.State.ORG_MIRROR)
    DiscoveredRepository.objects.create(organization_mirror=mirror, name="app", repository=found)

    with pytest.raises(InvalidInput, match="Cannot change repository state"):
        repositories.change_state(found, Repository.State.NORMAL)
    with pytest.raises(InvalidInput, match="cannot be managed while organization-level mirroring is configured"):
        organization_mirrors.check_not_mirrored(organization, refusal=organization_mirrors.MANAGING_A_MIRROR)


def test_removing_the_mirror_stops_what_is_running_and_frees_the_robot(organization: Namespace, robot: Robot) -> None:
    organization_mirrors.create_organization_mirror(organization, values_for(robot))
    found = Repository.objects.create(namespace=organization, name="app", state=Repository.State.ORG_MIRROR)
    mirror = Mirror.objects.create(repository=found, source_reference="q.io/a/app", tag_patterns=["*"], robot=robot)
    sync = Sync.objects.create(mirror=mirror)
    assert sync.start(worker="w", snapshot={})

    organization_mirrors.delete_organization_mirror(organization)

    assert not Sync.objects.filter(status=Status.RUNNING).exists()
    assert not sync.renew()
    found.refresh_from_db()
    assert found.state == Repository.State.NORMAL
    robot.delete()


def test_an_organization_is_removed_with_its_mirror(organization: Namespace, robot: Robot) -> None:
    mirror = organization_mirrors.create_organization_mirror(organization, values_for(robot))
    DiscoveredRepository.objects.create(organization_mirror=mirror, name="app")

    organizations.delete_organization(organization)

    assert not OrganizationMirror.objects.exists()
    assert not DiscoveredRepository.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source_type", "docker"),
        ("visibility", "secret"),
        ("sync_interval", 59),
        ("sync_interval", True),
        ("timeout_seconds", 29),
        ("timeout_seconds", 3601),
        ("source_url", None),
        ("source_url", "https://registry.example.com/\nx"),
        ("source_namespace", ".."),
        ("robot", None),
        ("is_enabled", None),
        ("starts_at", "2030-01-01"),
        ("repository_filters", ["a\0"]),
        ("source_password", "x\0"),
    ],
)
def test_every_door_has_its_values_checked(field: str, value: object) -> None:
    assert field in CLEANERS
    with pytest.raises(InvalidInput) as refusal:
        clean({field: value})

    assert refusal.value.field == field
