"""Setting up and changing mirrors: everything is checked first, then everything is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from mirrors.errors import AlreadyExists, InvalidInput, NotFound
from mirrors.models import Mirror, Namespace, Repository, RepositoryPermission, Robot, Sync
from mirrors.models.sync import Status, Trigger
from mirrors.services.mirroring import mirrors

pytestmark = pytest.mark.django_db


@pytest.fixture
def values(robot: Robot) -> dict[str, Any]:
    """The least that a mirror needs."""
    return {"source_reference": "registry.example.com/team/app", "tag_patterns": ["v*"], "robot": robot}


def test_a_mirror_turns_its_repository_into_one_and_lets_its_robot_write(
    repository: Repository, robot: Robot, values: dict[str, Any]
) -> None:
    mirror = mirrors.create_mirror(repository, values)

    repository.refresh_from_db()
    assert repository.state == Repository.State.MIRROR
    assert RepositoryPermission.objects.get().role == "write"
    assert RepositoryPermission.objects.get().robot == robot
    assert mirrors.find_mirror(repository) == mirror
    assert mirror.is_enabled
    assert mirror.next_sync_at <= timezone.now(), "the first sync is due at once"


@pytest.mark.parametrize(("before", "after"), [("read", "write"), ("write", "write"), ("admin", "admin")])
def test_a_robot_gets_the_right_to_write_and_loses_no_other(
    repository: Repository, robot: Robot, values: dict[str, Any], before: str, after: str
) -> None:
    RepositoryPermission.objects.create(repository=repository, robot=robot, role=before)

    mirrors.create_mirror(repository, values)

    assert RepositoryPermission.objects.get().role == after


@pytest.mark.parametrize("field", ["source_reference", "tag_patterns", "robot"])
def test_what_a_mirror_needs_is_asked_for_by_name_and_nothing_is_written_before(
    repository: Repository, values: dict[str, Any], field: str
) -> None:
    del values[field]

    with pytest.raises(InvalidInput, match="required") as refusal:
        mirrors.create_mirror(repository, values)

    assert refusal.value.field == field
    assert_nothing_written(repository)


WRONG = [
    ("source_reference", "", "External registry reference is required"),
    ("source_reference", "   ", "External registry reference is required"),
    ("source_reference", None, "External registry reference is required"),
    ("source_reference", "https://quay.io/team/app", "has no scheme"),
    ("source_reference", "quay.io/team/app:v1", "ends with the tag 'v1'"),
    ("source_reference", f"quay.io/team/app@sha256:{'a' * 64}", "by its digest"),
    ("source_reference", "quay.io", "does not begin with a registry"),
    ("source_reference", "quay.io/team app", "space"),
    ("source_reference", "quay.io:99999/team/app", "no port"),
    ("source_reference", "169.254.169.254/team/app", "not allowed"),
    ("source_reference", f"quay.io/{'a' * 1100}", "more than 1024 characters"),
    ("tag_patterns", [], "At least one tag pattern"),
    ("tag_patterns", ["v1", " "], "At least one tag pattern"),
    ("tag_patterns", None, "At least one tag pattern"),
    ("tag_patterns", [f"v{number}" for number in range(1001)], "at most 1000 tag patterns"),
    ("tag_patterns", ["[" * 256], "at most 255 characters"),
    ("sync_interval", 0, "at least 1"),
    ("sync_interval", -1, "at least 1"),
    ("sync_interval", True, "whole number"),
    ("sync_interval", 1.5, "whole number"),
    ("sync_interval", 2**31, "at least 1"),
    ("timeout_seconds", 299, "cannot be less than 300"),
    ("platforms", ["amd64", "linux/"], "is not a platform"),
    ("starts_at", datetime(2030, 1, 1), "in UTC"),  # naive
    ("starts_at", "2030-01-01", "in UTC"),
    ("source_username", "a\nb", "Control characters"),
    ("source_password", "x" * 9001, "at most 9000"),
    ("http_proxy", "http://proxy\r\nX: y", "Control characters"),
    ("verify_tls", "no", "true or false"),
    ("is_enabled", None, "true or false"),
    ("robot", "acme+mirror", "robot"),
]


@pytest.mark.parametrize(("field", "value", "words"), WRONG)
def test_a_value_that_cannot_be_accepted_is_refused_by_its_field_and_nothing_is_written(
    repository: Repository, values: dict[str, Any], field: str, value: Any, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as refusal:
        mirrors.create_mirror(repository, values | {field: value})

    assert refusal.value.field == field
    assert_nothing_written(repository)


@pytest.mark.parametrize(("field", "value", "words"), WRONG)
def test_a_wrong_value_changes_nothing_of_what_came_with_it(mirror: Mirror, field: str, value: Any, words: str) -> None:
    before = Mirror.objects.values().get()

    with pytest.raises(InvalidInput, match=words):
        mirrors.change_mirror(mirror, {"no_proxy": "example.com", field: value})

    assert Mirror.objects.values().get() == before


def test_a_repository_is_mirrored_once(mirror: Mirror, values: dict[str, Any]) -> None:
    with pytest.raises(AlreadyExists, match="already exits for repository acme/app"):
        mirrors.create_mirror(mirror.repository, values)


def test_a_robot_of_another_namespace_is_refused(
    repository: Repository, values: dict[str, Any], make_user: Callable[..., Any]
) -> None:
    make_user("ada")
    foreign = Robot.objects.create(namespace=Namespace.objects.get(name="ada"), name="mirror")

    with pytest.raises(InvalidInput, match="Invalid robot") as refusal:
        mirrors.create_mirror(repository, values | {"robot": foreign})

    assert refusal.value.field == "robot"


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"source_username": "b", "source_password": "q"}, ("b", "q")),
        ({"source_username": "b"}, ("b", "p")),
        ({"source_username": "a", "source_password": None}, ("a", None)),
        ({"source_username": None}, (None, None)),
        ({"source_username": None, "source_password": None}, (None, None)),
        ({"tag_patterns": ["x"]}, ("a", "p")),
        ({"source_password": "q"}, InvalidInput),
        ({"source_password": None}, InvalidInput),
        ({"source_username": None, "source_password": "q"}, InvalidInput),
    ],
)
def test_credentials_change_by_quays_rules(mirror: Mirror, change: dict[str, Any], result: Any) -> None:
    mirrors.change_mirror(mirror, {"source_username": "a", "source_password": "p"})

    if result is InvalidInput:
        with pytest.raises(InvalidInput, match=r"password without|username while"):
            mirrors.change_mirror(mirror, change)
        result = ("a", "p")
    else:
        mirrors.change_mirror(mirror, change)

    stored = Mirror.objects.get()
    assert (stored.source_username, stored.source_password) == result


def test_two_people_who_change_different_fields_do_not_undo_each_other(mirror: Mirror) -> None:
    first, second = Mirror.objects.get(), Mirror.objects.get()

    mirrors.change_mirror(first, {"tag_patterns": ["v1"]})
    mirrors.change_mirror(second, {"sync_interval": 60})

    stored = Mirror.objects.get()
    assert (stored.tag_patterns, stored.sync_interval) == (["v1"], 60)


def test_a_new_start_moves_the_next_due_time_and_any_other_change_does_not(mirror: Mirror) -> None:
    due = mirror.next_sync_at
    mirrors.change_mirror(mirror, {"sync_interval": 60, "is_enabled": True})
    assert Mirror.objects.get().next_sync_at == due

    start = datetime(2030, 5, 6, 7, 8, 9, 123, tzinfo=UTC)
    mirrors.change_mirror(mirror, {"starts_at": start})

    assert Mirror.objects.get().next_sync_at == start.replace(microsecond=0)


def test_disabling_takes_back_what_the_schedule_queued_and_leaves_what_somebody_asked_for(
    make_mirror: Callable[..., Mirror],
) -> None:
    past = timezone.now() - timedelta(minutes=1)
    due = make_mirror("due", starts_at=past, sync_interval=3600)
    asked = make_mirror("asked")
    scheduled = Sync.objects.create(mirror=due)
    manual = Sync.objects.create(mirror=asked, trigger=Trigger.MANUAL, priority=Sync.MANUAL_PRIORITY)

    mirrors.change_mirror(due, {"is_enabled": False})
    mirrors.change_mirror(asked, {"is_enabled": False})

    assert Sync.objects.get(pk=scheduled.pk).status == Status.CANCELLED
    assert Sync.objects.get(pk=manual.pk).status == Status.QUEUED
    assert Mirror.objects.get(pk=due.pk).next_sync_at > timezone.now(), "enabling again does not start a sync at once"


def test_deleting_a_mirror_gives_the_repository_back(mirror: Mirror) -> None:
    Sync.objects.create(mirror=mirror)

    mirrors.delete_mirror(mirror)

    repository = Repository.objects.get()
    assert repository.state == Repository.State.NORMAL
    with pytest.raises(NotFound, match="acme/app is not mirrored"):
        mirrors.find_mirror(repository)


def test_a_door_that_does_not_ask_for_a_robot_gets_one_made_once(repository: Repository) -> None:
    first = mirrors.robot_for(repository)

    assert mirrors.robot_for(repository) == first
    assert mirrors.robot_for(repository, name="other") != first


def assert_nothing_written(repository: Repository) -> None:
    """Neither mirror nor right nor state."""
    repository.refresh_from_db()
    assert repository.state == Repository.State.NORMAL
    assert not Mirror.objects.exists()
    assert not RepositoryPermission.objects.exists()
