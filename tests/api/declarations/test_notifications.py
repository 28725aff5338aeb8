"""Notifications as documents: known again, made anew when they differ, and their addresses never given back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mirrors.models import NotificationTarget
from tests.api.conftest import APIClient
from tests.api.declarations.resources import APPLY, EXPORT, applied, refused, resource

ADDRESS = "https://hooks.example.com/services/T0/secret-part"
SLACK = {
    "repository": "acme/app",
    "title": "Failures",
    "event": "repo_mirror_sync_failed",
    "method": "slack",
    "config": {"url": ADDRESS},
}


def test_a_notification_is_made_once_and_made_anew_when_it_differs(api: APIClient, ready: None) -> None:
    [made] = applied(api, resource("Notification", SLACK))
    assert made["action"] == "created"
    assert made["name"] == "acme/app Failures repo_mirror_sync_failed slack"
    assert ADDRESS not in str(made)
    assert applied(api, resource("Notification", SLACK))[0]["action"] == "unchanged"
    first = NotificationTarget.objects.get()

    [changed] = applied(api, resource("Notification", SLACK | {"config": {"url": f"{ADDRESS}-2"}}))

    assert changed["differences"] == [
        {"field": "spec.config", "before": {"url": "********"}, "after": {"url": "********"}}
    ]
    second = NotificationTarget.objects.get()
    assert (second.uuid != first.uuid, json.loads(second.config_text)["url"]) == (True, f"{ADDRESS}-2")


def test_a_notification_without_a_title_is_known_by_its_event_and_method(api: APIClient, ready: None) -> None:
    spec = {
        "repository": "acme/app",
        "event": "repo_mirror_sync_success",
        "method": "quay_notification",
        "config": {"name": "owner", "type": "user"},
    }
    assert applied(api, resource("Notification", spec))[0]["action"] == "created"
    assert applied(api, resource("Notification", spec))[0]["action"] == "unchanged"
    assert json.loads(NotificationTarget.objects.get().config_text) == {"target": {"kind": "user", "name": "owner"}}
    exported = api.get(EXPORT, repository="acme/app", format="json").json()["items"][-1]
    assert exported["spec"]["config"] == {"name": "owner", "type": "user"}


def test_an_address_is_exported_as_a_reference_and_taken_from_a_secret(api: APIClient, ready: None) -> None:
    applied(api, resource("Notification", SLACK))
    exported = api.get(EXPORT, namespace="acme", format="json")
    assert b"secret-part" not in exported.content
    assert api.post(APPLY, exported.json()).json()["counts"]["unchanged"] == 4
    document = exported.json()["items"][-1]
    reference = document["spec"]["configFrom"]["secretKeyRef"]
    NotificationTarget.objects.all().delete()
    held = {"stringData": {reference["key"]: json.dumps({"url": ADDRESS})}, "metadata": {"name": reference["name"]}}

    [again] = applied(api, document, {"apiVersion": "v1", "kind": "Secret", **held})

    assert again["action"] == "created"
    assert json.loads(NotificationTarget.objects.get().config_text)["url"] == ADDRESS


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event": "full_moon"}, None),
        ({"config": {"email": "a@example.com"}}, None),
        ({"config": {}}, "spec.config"),
        ({"repository": "acme/nothing"}, None),
    ],
)
def test_what_could_not_be_delivered_is_refused(
    api: APIClient, ready: None, changes: dict[str, Any], field: str | None
) -> None:
    [failed] = applied(api, resource("Notification", SLACK | changes))
    assert failed["action"] == "failed"
    assert field is None or failed["error"]["field"] == field
    assert not NotificationTarget.objects.exists()


@pytest.mark.parametrize("changes", [{"method": "pigeon"}, {"config": {"colour": "red"}}, {"config": [1]}])
def test_a_malformed_notification_is_refused_with_its_stream(
    api: APIClient, ready: None, changes: dict[str, Any]
) -> None:
    assert "Notification acme/app: spec." in refused(api, resource("Notification", SLACK | changes))
