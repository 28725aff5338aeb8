"""A small farm in which every address of the API can lead somewhere, and the texts that make up such addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from mirrors.models import (
    AccessToken,
    Application,
    DiscoveredRepository,
    Mirror,
    Namespace,
    NotificationTarget,
    Preview,
    Repository,
    Robot,
    Sync,
    Team,
    TeamMember,
    User,
    UserNotification,
)
from mirrors.services.accounts.access_tokens import SCOPES
from tests.fixtures.domain import join, mirror_organization

NOWHERE = "127.0.0.1:9/team/app"
"""A source that refuses connections at once."""


@dataclass(frozen=True)
class Farm:
    """Access tokens of who may do everything and of who may do nothing, and values for the parts of addresses."""

    tokens: Mapping[str, str]
    values: Mapping[str, Any]


def token_of(user: User) -> str:
    """A token with all scopes."""
    text = AccessToken.new_text()
    AccessToken.objects.create(user=user, name="test", scopes=" ".join(SCOPES), token_hash=AccessToken.hash_of(text))
    return text


def make_farm(make_user: Callable[..., User]) -> Farm:
    """The organization `acme`, which is mirrored as a whole, with everything in it."""
    root, stranger = make_user("root", is_superuser=True, is_staff=True), make_user("stranger")
    acme = Namespace.objects.create(name="acme", kind=Namespace.Kind.ORGANIZATION)
    join(acme, root, role="admin")
    team = Team.objects.create(namespace=acme, name="readers", role="member")
    TeamMember.objects.create(team=team, user=stranger)
    robot = Robot.objects.create(namespace=acme, name="mirror")
    Robot.objects.create(namespace=Namespace.objects.get(name="root"), name="mirror")
    mirror = _mirror(acme, robot)
    _organization_mirror(mirror)
    sync = Sync.objects.create(mirror=mirror)
    sync.start(worker="one", snapshot={})
    sync.succeed(message="Done.")
    values = {
        "repository": "acme/app",
        "organization": "acme",
        "orgname": "acme",
        "robot": "mirror",
        "sync_id": sync.pk,
        "team": "readers",
        "teamname": "readers",
        "member": "stranger",
        "username": "stranger",
        "person": "stranger",
        "prefix": "a",
        "tag": "latest",
        "error_type": "not_found",
    }
    return Farm({"root": token_of(root), "stranger": token_of(stranger)}, values | _belongings(mirror, root))


def _mirror(acme: Namespace, robot: Robot) -> Mirror:
    repository = Repository.objects.create(namespace=acme, name="app", state=Repository.State.MIRROR)
    return Mirror.objects.create(
        repository=repository,
        source_reference=NOWHERE,
        tag_patterns=["*"],
        robot=robot,
        starts_at=datetime(2020, 1, 2, tzinfo=UTC),
        next_sync_at=timezone.now(),
    )


def _organization_mirror(mirror: Mirror) -> None:
    found = mirror_organization(mirror.robot, source_url="http://127.0.0.1:9")
    DiscoveredRepository.objects.create(organization_mirror=found, name="app", repository=mirror.repository)


def _belongings(mirror: Mirror, person: User) -> dict[str, str]:
    application = Application(namespace=mirror.repository.namespace, name="ci")
    application.reset_client_secret()
    application.save()
    preview = Preview.objects.create(repository=mirror.repository, expires_at=timezone.now() + timedelta(days=1))
    target = NotificationTarget(repository=mirror.repository, event="repo_mirror_sync_failed", method="webhook")
    target.config_text = '{"url": "https://hooks.example.com/sync"}'
    target.save()
    UserNotification.objects.create(user=person, uuid=target.uuid, kind=target.event)
    return {"client_id": application.client_id, "preview_id": str(preview.pk), "uuid": str(target.uuid)}
