"""What people can be told of, in Quay's words, and what a message of it holds."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from mirrors.errors import InvalidInput
from mirrors.models import Repository
from mirrors.services.syncs import connections

EVENTS = ("repo_push", "repo_mirror_sync_started", "repo_mirror_sync_success", "repo_mirror_sync_failed")
"""What happens to repositories of a farm."""

_BUILDS = "it builds no images"
NEVER = {
    "build_queued": _BUILDS,
    "build_start": _BUILDS,
    "build_success": _BUILDS,
    "build_failure": _BUILDS,
    "build_cancelled": _BUILDS,
    "vulnerability_found": "it scans no images",
    "repo_image_expiry": "its tags do not expire",
}
"""Quay's other events, and why they never happen here."""

TEST_MESSAGE = "TEST NOTIFICATION"


def check_event(event: str) -> str:
    """The event; raises InvalidInput for one that never happens here."""
    if event in EVENTS:
        return event
    reason = f"never happens on this farm: {NEVER[event]}" if event in NEVER else "is not known"
    raise InvalidInput(f"The event {event[:40]} {reason}. Choose {' or '.join(EVENTS)}.", field="event")


def event_data(repository: Repository, *, message: str) -> dict[str, Any]:
    """What a webhook is sent, with Quay's keys. docker_url: where the content can be pulled."""
    target = connections.target_of(repository)
    return {
        "repository": repository.full_name,
        "namespace": repository.namespace.name,
        "name": repository.name,
        "docker_url": f"{target.host}/{target.repository}",
        "homepage": f"{settings.PUBLIC_URL}/repository/{repository.full_name}",
        "message": message,
    }


def sample_data(event: str, repository: Repository) -> dict[str, Any]:
    """The same for a test."""
    data = event_data(repository, message=TEST_MESSAGE)
    return data | ({"updated_tags": ["latest"]} if event == "repo_push" else {})
