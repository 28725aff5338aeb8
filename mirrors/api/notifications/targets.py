"""/v1/repository/{repository}/notification/ and what is below it."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.bodies import any_object, nullable, read_object, text
from mirrors.api.endpoint import Endpoint, require_role
from mirrors.api.errors import InvalidRequest
from mirrors.api.operations import INTEGER, STRING, answer, array, operation, or_null
from mirrors.errors import NotFound
from mirrors.models import NotificationTarget, Repository
from mirrors.models.encryption import DecryptionFailed
from mirrors.models.repository import RepositoryPermission
from mirrors.oci.redaction import without_password
from mirrors.services import access
from mirrors.services.notifications import notification_targets
from mirrors.services.notifications.notification_configs import METHODS
from mirrors.services.notifications.notification_events import EVENTS, NEVER

ADMIN = RepositoryPermission.Role.ADMIN
SCOPE = "repo:admin"
FIELDS = {
    "event": text,
    "method": text,
    "config": any_object,
    "eventConfig": any_object,
    "title": nullable(text),
}
REQUIRED = ("event", "method", "config", "eventConfig")
TARGET = answer(
    {
        "uuid": STRING,
        "title": or_null(STRING),
        "event": {"type": "string", "enum": [*EVENTS, *NEVER]},
        "method": {"type": "string", "enum": list(METHODS)},
        "config": {"type": "object"},
        "event_config": {"type": "object"},
        "number_of_failures": INTEGER,
    }
)
EXAMPLE = {
    "event": "repo_mirror_sync_failed",
    "method": "webhook",
    "config": {"url": "https://hooks.example.com/mirrors"},
    "eventConfig": {},
    "title": "Tell the chat",
}


class TargetsEndpoint(Endpoint):
    """GET and POST …/notification/."""

    scopes = {"GET": SCOPE, "POST": SCOPE}

    @operation("listRepoNotifications", answers={200: answer({"notifications": array(TARGET)})})
    def get(self, request: Request, repository: str) -> Response:
        """All of the repository; none of one that does not exist, for those who administer its namespace."""
        require_role(request, repository, role=ADMIN)
        try:
            found = access.find_repository(repository, account=request.user, administer=True)
        except NotFound:
            return Response({"notifications": []})
        return Response({"notifications": [_body(target) for target in notification_targets.targets_of(found)]})

    @operation(
        "createRepoNotification",
        answers={201: TARGET},
        errors=(404,),
        fields=FIELDS,
        required=REQUIRED,
        example=EXAMPLE,
    )
    def post(self, request: Request, repository: str) -> Response:
        """Tell somebody of an event, by quay_notification, email, webhook or slack."""
        require_role(request, repository, role=ADMIN)
        body = read_object(request, FIELDS, required=REQUIRED)
        target = notification_targets.create_target(
            _repository(request, repository),
            event=body["event"],
            method=body["method"],
            config=body["config"],
            event_config=body["eventConfig"],
            title=body.get("title"),
        )
        return Response(_body(target), status=201)


class TargetEndpoint(Endpoint):
    """GET, DELETE and POST …/notification/{uuid}."""

    scopes = {"GET": SCOPE, "DELETE": SCOPE, "POST": SCOPE}

    @operation("getRepoNotification", answers={200: TARGET}, errors=(404,))
    def get(self, request: Request, repository: str, uuid: str) -> Response:
        """One of them."""
        return Response(_body(notification_targets.find_target(_repository(request, repository), uuid)))

    @operation("deleteRepoNotification", answers={204: None}, errors=(400,))
    def delete(self, request: Request, repository: str, uuid: str) -> Response:
        """Tell them nothing more."""
        notification_targets.delete_target(_target_to_change(request, repository, uuid))
        return Response(status=204)

    @operation("resetRepositoryNotificationFailures", answers={204: None}, errors=(400,))
    def post(self, request: Request, repository: str, uuid: str) -> Response:
        """Forget the failed deliveries, so that messages are sent again."""
        notification_targets.reset_failures(_target_to_change(request, repository, uuid))
        return Response(status=204)


class TestEndpoint(Endpoint):
    """POST …/notification/{uuid}/test."""

    scopes = {"POST": SCOPE}

    @operation("testRepoNotification", answers={200: answer({})}, errors=(400,))
    def post(self, request: Request, repository: str, uuid: str) -> Response:
        """Put a message with sample data into the outbox."""
        notification_targets.queue_test(_target_to_change(request, repository, uuid))
        return Response({})


def _repository(request: Request, full_name: str) -> Repository:
    require_role(request, full_name, role=ADMIN)
    return access.find_repository(full_name, account=request.user, administer=True)


def _target_to_change(request: Request, full_name: str, uuid: str) -> NotificationTarget:
    """The same, where Quay answers 400 for one that does not exist."""
    try:
        return notification_targets.find_target(_repository(request, full_name), uuid)
    except NotFound as error:
        namespace, _, name = full_name.partition("/")
        raise InvalidRequest(notification_targets.no_target(namespace, name, uuid)) from error


def _body(target: NotificationTarget) -> dict[str, Any]:
    return {
        "uuid": str(target.uuid),
        "title": target.title or None,
        "event": target.event,
        "method": target.method,
        "config": _shown_config(target),
        "event_config": target.event_config,
        "number_of_failures": target.number_of_failures,
    }


def _shown_config(target: NotificationTarget) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads(target.config_text or "{}")
    except DecryptionFailed:
        return {}
    return config | ({"url": without_password(config["url"])} if "url" in config else {})
