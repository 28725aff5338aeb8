"""Whom a repository's events are told to: setting it up, removing it, counting failures anew, asking for a test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Delivery, NotificationTarget, Repository
from mirrors.services.logs import log_entries
from mirrors.services.notifications import notification_configs, notification_events

LONGEST_TITLE = 255
MOST_WAITING = 100
"""Messages of one target that may wait before no further test is taken."""


def targets_of(repository: Repository) -> QuerySet[NotificationTarget]:
    """All of the repository, the oldest first."""
    return repository.notification_targets.order_by("id")


def find_target(repository: Repository, uuid: str) -> NotificationTarget:
    """The repository's target of this uuid; raises NotFound."""
    try:
        found = targets_of(repository).filter(uuid=UUID(uuid)).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound(no_target(repository.namespace.name, repository.name, uuid))
    return found


def no_target(namespace: str, name: str, uuid: str) -> str:
    """Quay's sentence."""
    return f"No repository notification found for: {namespace}, {name}, {uuid}"


@transaction.atomic
def create_target(
    repository: Repository,
    *,
    event: str,
    method: str,
    config: Mapping[str, Any],
    event_config: Mapping[str, Any],
    title: str | None = None,
) -> NotificationTarget:
    """Tell them in this way whenever this event happens; raises InvalidInput for what could never be delivered."""
    event = notification_events.check_event(event)
    cleaned = notification_configs.clean_config(method, config, repository=repository)
    if title and len(title) > LONGEST_TITLE:
        raise InvalidInput(f"The title may have {LONGEST_TITLE} characters at most.", field="title")
    target = NotificationTarget(
        repository=repository, event=event, method=method, event_config=dict(event_config), title=title or ""
    )
    target.config_text = json.dumps(cleaned)
    target.save()
    _record("add_repo_notification", target)
    return target


@transaction.atomic
def delete_target(target: NotificationTarget) -> None:
    """Tell them nothing more; what waits to be delivered goes too."""
    _record("delete_repo_notification", target)
    target.delete()


@transaction.atomic
def reset_failures(target: NotificationTarget) -> None:
    """Forget the failed deliveries: after three in a row nothing is sent any more."""
    NotificationTarget.objects.filter(pk=target.pk).update(number_of_failures=0)
    _record("reset_repo_notification", target)


def queue_test(target: NotificationTarget) -> Delivery:
    """Put a message with sample data on its way; InvalidInput where too many wait already."""
    if Delivery.objects.filter(target=target, state=Delivery.State.QUEUED).count() >= MOST_WAITING:
        raise InvalidInput(f"{MOST_WAITING} messages to this target wait to be delivered already. Try again later.")
    payload = notification_events.sample_data(target.event, target.repository)
    return Delivery.objects.create(target=target, event=target.event, payload=payload)


def _record(kind: str, target: NotificationTarget) -> None:
    log_entries.record(
        kind,
        repository=target.repository,
        notification_id=str(target.uuid),
        event=target.event,
        method=target.method,
    )
