"""A large farm in the database, as if it had run for a while. Imported when Django is ready."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from mirrors.models import (
    AccessToken,
    DiscoveredRepository,
    LogEntry,
    Mirror,
    MirroredTag,
    Namespace,
    OrganizationMirror,
    Repository,
    Robot,
    Sync,
    TagCopy,
    Team,
    TeamMember,
    User,
)
from mirrors.services.accounts.access_tokens import SCOPES

LARGE, DISCOVERED = "large", "discovered"
DAYS = (3, 2, 1)
SYNCS_OF_ONE, TAGS_OF_ONE = 500, 1000
ROBOTS = 100
ENTRIES_EACH = 10
BATCH = 2000
OUTCOMES = ("succeeded", "succeeded", "succeeded", "succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Farm:
    """Access tokens by account, and the number of the sync that has many tags."""

    tokens: dict[str, str]
    sync: int


def seed_farm(mirrors: int) -> Farm:
    """An organization with half of the mirrors, another that has discovered the other half, and who may see them."""
    draw = random.Random(1)
    root = User.objects.create_superuser("root", "root@example.com", "benchmark-password-1")
    admin = User.objects.create_user("admin", "admin@example.com", "benchmark-password-1")
    now = timezone.now().replace(microsecond=0)
    for name, count in ((LARGE, mirrors - mirrors // 2), (DISCOVERED, mirrors // 2)):
        organization = Namespace.objects.create(name=name, kind=Namespace.Kind.ORGANIZATION)
        owners = Team.objects.create(namespace=organization, name=Team.OWNERS, role=Team.Role.ADMIN)
        TeamMember.objects.create(team=owners, user=admin)
        robots = [Robot.objects.create(namespace=organization, name=f"robot{number}") for number in range(ROBOTS)]
        _seed_mirrors(organization, robots[0], count=count, now=now, draw=draw)
        _seed_entries(organization, admin, now=now, draw=draw)
    _seed_discovery(Namespace.objects.get(name=DISCOVERED), now=now)
    sync = _seed_one(Mirror.objects.filter(repository__namespace__name=LARGE).earliest("id"), now=now)
    last = Sync.objects.concluded().filter(mirror=OuterRef("pk")).order_by("-id")
    Mirror.objects.update(last_sync=Subquery(last.values("pk")[:1]))  # as each would have written itself
    return Farm({user.username: _token_of(user) for user in (root, admin)}, sync.pk)


def _token_of(user: User) -> str:
    text = AccessToken.new_text()
    AccessToken.objects.create(
        user=user,
        name="benchmark",
        scopes=" ".join(SCOPES),
        token_hash=AccessToken.hash_of(text),
        last_used_at=timezone.now(),
    )
    return text


def _seed_mirrors(organization: Namespace, robot: Robot, *, count: int, now: datetime, draw: random.Random) -> None:
    state = Repository.State.ORG_MIRROR if organization.name == DISCOVERED else Repository.State.MIRROR
    repositories = Repository.objects.bulk_create(
        (
            Repository(
                namespace=organization, name=f"team{number % 97}/app{number}", description="An app.", state=state
            )
            for number in range(count)
        ),
        batch_size=BATCH,
    )
    mirrors = Mirror.objects.bulk_create(
        (
            Mirror(
                repository=repository,
                source_reference=f"registry{number % 7}.example.com/{repository.name}",
                tag_patterns=["v*", "latest"],
                robot=robot,
                is_enabled=number % 20 != 0,
                sync_interval=86400,
                starts_at=now - timedelta(days=9),
                next_sync_at=now + timedelta(seconds=draw.randint(-600, 86400)),
            )
            for number, repository in enumerate(repositories)
        ),
        batch_size=BATCH,
    )
    Sync.objects.bulk_create(
        (_sync(mirror, at=now - timedelta(days=days), draw=draw) for days in DAYS for mirror in mirrors),
        batch_size=BATCH,
    )


def _sync(mirror: Mirror, *, at: datetime, draw: random.Random) -> Sync:
    status = draw.choice(OUTCOMES)
    failed: dict[str, Any] = {
        "error_code": "timeout",
        "error_side": "source",
        "message": "The source did not answer in time.",
    }
    return Sync(
        mirror=mirror,
        status=status,
        created_at=at,
        started_at=at,
        finished_at=at + timedelta(minutes=2),
        tags_total=30,
        tags_unchanged=28,
        tags_copied=2,
        bytes_copied=123_456_789,
        **(failed if status == "failed" else {}),
    )


def _seed_one(mirror: Mirror, *, now: datetime) -> Sync:
    """One mirror with a long history, whose last sync had many tags."""
    draw = random.Random(2)
    Sync.objects.bulk_create(_sync(mirror, at=now, draw=draw) for _ in range(SYNCS_OF_ONE))
    sync = _sync(mirror, at=now, draw=draw)
    sync.save()
    digests = [f"sha256:{number:064x}" for number in range(TAGS_OF_ONE)]
    TagCopy.objects.bulk_create(
        TagCopy(sync=sync, tag=f"v{number}", action="copied", source_digest=digest, target_digest=digest)
        for number, digest in enumerate(digests)
    )
    MirroredTag.objects.bulk_create(
        MirroredTag(mirror=mirror, tag=f"v{number}", source_digest=digest, target_digest=digest, sync_id=sync.pk)
        for number, digest in enumerate(digests)
    )
    return sync


def _seed_discovery(organization: Namespace, *, now: datetime) -> None:
    mirror = OrganizationMirror.objects.create(
        namespace=organization,
        source_type="quay",
        source_url="https://quay.example.com",
        source_namespace="all",
        robot=organization.robots.earliest("id"),
        visibility="private",
        sync_interval=86400,
        next_discovery_at=now + timedelta(days=1),
    )
    DiscoveredRepository.objects.bulk_create(
        (
            DiscoveredRepository(organization_mirror=mirror, name=repository.name, repository=repository)
            for repository in organization.repositories.all()
        ),
        batch_size=BATCH,
    )


def _seed_entries(organization: Namespace, performer: User, *, now: datetime, draw: random.Random) -> None:
    repositories = list(organization.repositories.all())
    LogEntry.objects.bulk_create(
        (
            LogEntry(
                kind=draw.choice(
                    ["repo_mirror_sync_started", "repo_mirror_sync_success", "repo_mirror_config_changed"]
                ),
                namespace=organization,
                namespace_name=organization.name,
                repository=repository,
                repository_name=repository.name,
                performer=performer,
                performer_name=performer.username,
                ip="192.0.2.1",
                metadata={"repo": repository.name, "namespace": organization.name, "message": "v1, v2, v3"},
                created_at=now - timedelta(hours=age),
            )
            for age in range(ENTRIES_EACH, 0, -1)
            for repository in repositories
        ),
        batch_size=BATCH,
    )
