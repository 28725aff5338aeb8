"""What becomes of a farm's data when it is brought up to date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from mirrors.models import Mirror, Sync, TagCopy, TeamMember
from mirrors.oci import IndexMode
from mirrors.services.mirroring import history
from mirrors.services.mirroring.mirror_status import status_of
from mirrors.services.syncs.sync_plans import plan_of, snapshot_of

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(name: str = "") -> Any:
    """Bring the database to this migration, or the newest; gives the models as they were then."""
    executor = MigrationExecutor(connection)
    name = name or next(leaf for app, leaf in executor.loader.graph.leaf_nodes("mirrors"))
    executor.migrate([("mirrors", name)])
    return executor.loader.project_state([("mirrors", name)]).apps


@pytest.fixture
def farm_of_the_first_release() -> Iterator[Any]:
    """The models of the first release, over its tables."""
    try:
        yield migrate("0001_initial")
    finally:
        migrate()


def test_mirrors_and_their_history_come_along_from_the_first_release(farm_of_the_first_release: Any) -> None:
    def model(name: str) -> Any:
        return farm_of_the_first_release.get_model("mirrors", name)

    namespace = model("Namespace").objects.create(name="acme", kind="organization")
    repository = model("Repository").objects.create(namespace=namespace, name="app", state="MIRROR")
    robot = model("Robot").objects.create(namespace=namespace, name="mirror", token_ciphertext="x")
    mirror = model("Mirror").objects.create(
        repository=repository,
        robot=robot,
        source_reference="registry.example.com/team/app",
        tag_patterns=["*"],
        architectures=["arm64", "amd64"],
    )
    old = model("Sync").objects.create(
        mirror=mirror,
        status="succeeded",
        started_at=timezone.now(),
        finished_at=timezone.now(),
        tags_total=2,
        tags_unchanged=1,
        tags_copied=1,
        snapshot={"source_reference": "registry.example.com/team/app", "architectures": ["arm64", "amd64"]},
    )
    for tag, action in (("v1", "unchanged"), ("v2", "copied")):
        model("TagCopy").objects.create(sync=old, tag=tag, action=action, source_digest="sha256:" + "0" * 64)

    migrate()

    mirror = Mirror.objects.get()
    assert mirror.platforms == ["arm64", "amd64"]
    assert (mirror.index_mode, mirror.copies_referrers, mirror.copies_foreign_layers) == (IndexMode.SPARSE, True, False)
    assert [(tag.tag, tag.action) for tag in history.recorded_tags(Sync.objects.get(), limit=9)] == [
        ("v1", TagCopy.Action.UNCHANGED),
        ("v2", TagCopy.Action.COPIED),
    ]
    finished = status_of(mirror).finished
    assert finished is not None
    assert finished.pk == old.pk
    sync = Sync.objects.create(mirror=mirror)
    assert sync.start(worker="w", snapshot=snapshot_of(mirror))
    plan = plan_of(sync)
    assert (plan.settled, plan.asks_target, plan.remembered) == (frozenset(), True, {})


def test_every_mirror_knows_its_last_sync(farm_of_the_first_release: Any) -> None:
    models = migrate("0004_memberships_become_teams")

    def model(name: str) -> Any:
        return models.get_model("mirrors", name)

    namespace = model("Namespace").objects.create(name="acme", kind="organization")
    robot = model("Robot").objects.create(namespace=namespace, name="mirror", token_ciphertext="x")
    ended = {"finished_at": timezone.now()}
    rows: dict[str, list[dict[str, Any]]] = {
        "new": [{}],
        "old": [{"status": "succeeded"} | ended, {"status": "lost"} | ended],
        "busy": [{"status": "failed"} | ended, {"status": "queued"}],
        "restored": [{"status": "cancelled"} | ended, {"status": "succeeded", "restores": {"tag": "v1"}} | ended],
    }
    for name, syncs in rows.items():
        repository = model("Repository").objects.create(namespace=namespace, name=name, state="MIRROR")
        values = {"source_reference": f"registry.example.com/team/{name}", "tag_patterns": ["*"]}
        mirror = model("Mirror").objects.create(repository=repository, robot=robot, **values)
        for sync in syncs:
            model("Sync").objects.create(mirror=mirror, **sync)

    migrate()

    last = {mirror.repository.name: mirror.last_sync and mirror.last_sync.status for mirror in Mirror.objects.all()}
    assert last == {"new": None, "old": "lost", "busy": "failed", "restored": "cancelled"}


def test_members_of_organizations_come_into_teams(farm_of_the_first_release: Any) -> None:
    def model(name: str) -> Any:
        return farm_of_the_first_release.get_model("mirrors", name)

    namespace = model("Namespace").objects.create(name="acme", kind="organization")
    for role in ("admin", "creator", "member"):
        user = model("User").objects.create(username=f"the-{role}")
        model("Membership").objects.create(namespace=namespace, user=user, role=role)
    migrate()
    roles = {member.user.username: (member.team.name, member.team.role) for member in TeamMember.objects.all()}
    assert roles == {
        "the-admin": ("owners", "admin"),
        "the-creator": ("creators", "creator"),
        "the-member": ("members", "member"),
    }
