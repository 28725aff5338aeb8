"""Repositories as services make, change and delete them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from mirrors.errors import AlreadyExists, Forbidden, InvalidInput, NotFound
from mirrors.models import LogEntry, Mirror, Namespace, OrganizationMirror, Registry, Repository, Robot, Sync, User
from mirrors.sample.images import small_image
from mirrors.services import access
from mirrors.services.repositories import repositories
from mirrors.services.syncs import connections, sync_runs
from mirrors.services.syncs.heartbeat import Heartbeat, Verdict
from mirrors.services.syncs.sync_records import SyncRecords
from tests.fixtures.domain import join, mirror_organization
from tests.fixtures.waiting import wait_until
from tests.registry_api.conftest import fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization_mirror(organization: Namespace, robot: Robot) -> OrganizationMirror:
    """acme is mirrored as a whole."""
    return mirror_organization(robot)


def test_repositories_are_made_by_administrators_and_creators_only(
    organization: Namespace, owner: User, make_user: Callable[..., User]
) -> None:
    creator, member = make_user("creator"), make_user("member")
    join(organization, creator, role="creator")
    join(organization, member, role="member")

    made = repositories.create_repository(organization, "from/creator", by=creator)
    repositories.create_repository(organization, "from-owner", by=owner)
    with pytest.raises(Forbidden, match="You may not create repositories in acme"):
        repositories.create_repository(organization, "from-member", by=member)

    assert access.may_administer(creator, made), "its maker administers it"
    assert (made.state, made.visibility) == (Repository.State.NORMAL, Repository.Visibility.PRIVATE)


@pytest.mark.parametrize("name", ["", "Upper", "a//b", "/a", "a/", "a b"])
def test_a_repository_name_outside_the_grammar_is_refused(organization: Namespace, owner: User, name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        repositories.create_repository(organization, name, by=owner)

    assert refusal.value.field == "name"


def test_a_second_repository_of_a_name_is_refused(repository: Repository, owner: User) -> None:
    with pytest.raises(AlreadyExists, match="Repository already exists"):
        repositories.create_repository(repository.namespace, "app", by=owner)


def test_nobody_makes_a_repository_or_changes_a_state_where_the_whole_organization_is_mirrored(
    repository: Repository, organization_mirror: OrganizationMirror, owner: User, superuser: User
) -> None:
    for by in (owner, superuser):
        with pytest.raises(InvalidInput, match="managed by organization-level mirroring"):
            repositories.create_repository(repository.namespace, "new", by=by)
        with pytest.raises(InvalidInput, match="managed by organization-level mirroring"):
            repositories.change_state(repository, "READ_ONLY", by=by)
    assert list(Repository.objects.values_list("name", "state")) == [("app", "NORMAL")]


@pytest.mark.parametrize("state", ["ORG_MIRROR", "MARKED_FOR_DELETION", "", "normal"])
def test_a_state_that_nobody_sets_by_hand_is_refused(repository: Repository, state: str) -> None:
    with pytest.raises(InvalidInput, match="state must be NORMAL or READ_ONLY or MIRROR"):
        repositories.change_state(repository, state)


def test_a_repository_that_leaves_the_mirror_state_keeps_its_mirror_and_stops_its_sync(
    mirror: Mirror, owner: User, rung: list[int]
) -> None:
    sync = Sync.objects.create(mirror=mirror)

    repositories.change_state(mirror.repository, "READ_ONLY", by=owner)

    sync.refresh_from_db()
    assert (sync.status, sync.message) == ("cancelled", "Cancelled by owner before it started.")
    assert Mirror.objects.filter(repository__state="READ_ONLY").exists()
    repositories.change_state(mirror.repository, "MIRROR", by=owner)
    assert Mirror.objects.filter(repository__state="MIRROR").exists()


def test_a_deleted_repository_leaves_nothing_but_its_entries_in_the_log(
    mirror: Mirror, store_dir: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    fill(connections.store(), "acme/app", {"v1": small_image(1)})
    fill(connections.store(), "acme/app/nested", {"v1": small_image(1)})
    Sync.objects.create(mirror=mirror)

    with django_capture_on_commit_callbacks(execute=True):
        repositories.delete_repository(mirror.repository)

    assert not Repository.objects.exists()
    assert not Mirror.objects.exists()
    assert not Sync.objects.exists()
    assert list(connections.store().repositories()) == ["acme/app/nested"]
    entry = LogEntry.objects.get(kind="delete_repo")
    assert (entry.namespace_name, entry.repository_name, entry.repository) == ("acme", "app", None)


def test_a_repository_is_deleted_once(mirror: Mirror, store_dir: Path) -> None:
    late = Repository.objects.select_related("namespace").get()
    repositories.delete_repository(mirror.repository)

    with pytest.raises(NotFound, match="There is no repository acme/app any more"):
        repositories.delete_repository(late)

    assert LogEntry.objects.filter(kind="delete_repo").count() == 1


def test_content_at_a_remote_registry_stays(
    repository: Repository, store_dir: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    fill(connections.store(), "acme/app", {"v1": small_image(1)})
    repository.namespace.target_registry = Registry.objects.create(name="there", address="127.0.0.1:1")
    repository.namespace.save()

    with django_capture_on_commit_callbacks(execute=True):
        repositories.delete_repository(repository)

    assert not Repository.objects.exists()
    assert connections.store().has_repository("acme/app"), "it is not what this repository was kept in"


@pytest.mark.django_db(transaction=True)
def test_a_running_sync_of_a_deleted_repository_stops_by_itself(mirror: Mirror, store_dir: Path) -> None:
    sync = Sync.objects.create(mirror=mirror)
    assert sync.start(worker="w1", snapshot={})
    with Heartbeat(sync, SyncRecords(sync)) as heartbeat:
        repositories.delete_repository(mirror.repository)
        wait_until(lambda: heartbeat.verdict is Verdict.LOST, timeout=10)
    sync_runs.run_sync(sync.pk)  # a message that comes too late finds nothing to do
    assert not Sync.objects.exists()


@pytest.mark.parametrize(
    ("change", "kind", "metadata"),
    [
        (lambda one: repositories.describe(one, "New"), "set_repo_description", {"description": "New"}),
        (lambda one: repositories.change_visibility(one, "public"), "change_repo_visibility", {"visibility": "public"}),
        (lambda one: repositories.change_state(one, "READ_ONLY"), "change_repo_state", {"state_changed": "READ_ONLY"}),
    ],
)
def test_each_change_leaves_an_entry_in_the_log(
    repository: Repository, change: Callable[[Repository], None], kind: str, metadata: dict[str, str]
) -> None:
    change(repository)

    entry = LogEntry.objects.get()
    assert entry.kind == kind
    assert entry.metadata == {"namespace": "acme", "repo": "app"} | metadata


def test_making_a_repository_leaves_an_entry_in_the_log(organization: Namespace, owner: User) -> None:
    made = repositories.create_repository(organization, "new", by=owner)

    entry = LogEntry.objects.get()
    assert (entry.kind, entry.repository, entry.metadata) == (
        "create_repo",
        made,
        {"namespace": "acme", "repo": "new"},
    )
