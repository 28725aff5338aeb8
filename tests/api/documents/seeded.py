"""A small farm in which every address of the API can lead somewhere, and the texts that make up such addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from mirrors.models import AccessToken, Mirror, Namespace, Repository, Robot, Sync, Team, TeamMember, User
from mirrors.services.access_tokens import SCOPES
from tests.fixtures.domain import join

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
    """The organization `acme` with everything in it."""
    root, stranger = make_user("root", is_superuser=True, is_staff=True), make_user("stranger")
    acme = Namespace.objects.create(name="acme", kind=Namespace.Kind.ORGANIZATION)
    join(acme, root, role="admin")
    robot = Robot.objects.create(namespace=acme, name="mirror")
    Robot.objects.create(namespace=Namespace.objects.get(name="root"), name="mirror")
    repository = Repository.objects.create(namespace=acme, name="app", state=Repository.State.MIRROR)
    mirror = Mirror.objects.create(
        repository=repository,
        source_reference=NOWHERE,
        tag_patterns=["*"],
        robot=robot,
        starts_at=datetime(2020, 1, 2, tzinfo=UTC),
        next_sync_at=timezone.now(),
    )
    sync = Sync.objects.create(mirror=mirror)
    team = Team.objects.create(namespace=acme, name="readers", role="member")
    TeamMember.objects.create(team=team, user=stranger)
    values = {
        "repository": "acme/app",
        "organization": "acme",
        "orgname": "acme",
        "robot": "mirror",
        "robot_shortname": "mirror",
        "sync_id": sync.pk,
        "teamname": "readers",
        "membername": "stranger",
        "username": "stranger",
        "tag": "latest",
        "error_type": "not_found",
    }
    return Farm({"root": token_of(root), "stranger": token_of(stranger)}, values)
