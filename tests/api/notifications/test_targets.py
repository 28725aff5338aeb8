"""/v1/repository/{repository}/notification/: whom a repository's events are told to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from mirrors.models import Delivery, LogEntry, Namespace, NotificationTarget, Repository, User
from tests.api.conftest import APIClient
from tests.fixtures.domain import join

pytestmark = pytest.mark.django_db

URL = "/api/v1/repository/acme/app/notification/"
SECRET = "webhook-secret-6Kp1"
WEBHOOK = {
    "event": "repo_mirror_sync_failed",
    "method": "webhook",
    "config": {"url": "https://hooks.example.com/x"},
    "eventConfig": {},
}


@pytest.fixture(autouse=True)
def _repository(repository: Repository) -> None:
    """`acme/app` is there in every test."""


@pytest.fixture
def target(api: APIClient) -> str:
    """The address of a webhook of `acme/app`."""
    return URL + api.post(URL, WEBHOOK).json()["uuid"]


@pytest.mark.parametrize(
    "event", ["repo_push", "repo_mirror_sync_started", "repo_mirror_sync_success", "repo_mirror_sync_failed"]
)
def test_a_target_is_made_for_every_event_of_a_farm(api: APIClient, event: str) -> None:
    response = api.post(URL, WEBHOOK | {"event": event, "title": "To the chat", "event_config": {}})

    assert response.status_code == 201
    made = response.json()
    assert made == {
        "uuid": made["uuid"],
        "title": "To the chat",
        "event": event,
        "method": "webhook",
        "config": {"url": "https://hooks.example.com/x"},
        "event_config": {},
        "number_of_failures": 0,
    }
    assert api.get(URL).json() == {"notifications": [made]}
    assert api.get(URL + made["uuid"]).json() == made


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("build_success", "it builds no images"),
        ("vulnerability_found", "it scans no images"),
        ("repo_image_expiry", "its tags do not expire"),
        ("sunrise", "is not known"),
    ],
)
def test_an_event_that_never_happens_is_refused_with_the_reason(api: APIClient, event: str, words: str) -> None:
    response = api.post(URL, WEBHOOK | {"event": event})

    assert response.status_code == 400
    assert words in response.json()["detail"]
    assert "Choose repo_push" in response.json()["detail"]


@pytest.mark.parametrize("name", ["event", "method", "config", "eventConfig"])
def test_every_required_key_is_asked_for(api: APIClient, name: str) -> None:
    response = api.post(URL, {key: value for key, value in WEBHOOK.items() if key != name})

    assert response.status_code == 400
    assert response.json()["detail"] == f"'{name}' is a required property"


@pytest.mark.parametrize(
    ("method", "config", "words"),
    [
        ("quay_notification", {}, "Missing target"),
        ("quay_notification", {"target": "owner"}, "Missing target"),
        ("quay_notification", {"target": {"kind": "robot", "name": "x"}}, "kind must be user or team or org"),
        ("quay_notification", {"target": {"kind": "user", "name": "nobody"}}, "Unknown user nobody"),
        ("quay_notification", {"target": {"kind": "team", "name": "nobody"}}, "Unknown team nobody"),
        ("quay_notification", {"target": {"kind": "org", "name": "nobody"}}, "Unknown organization nobody"),
        (
            "quay_notification",
            {"target": {"kind": "org", "name": "other"}},
            "Organization name must match repository namespace",
        ),
        ("email", {}, "Missing e-mail address"),
        ("email", {"email": "nonsense"}, "The e-mail address is not valid"),
        ("email", {"email": "owner@elsewhere.example.org"}, "is not authorized to receive notifications"),
        ("email", {"email": "stranger@example.com"}, "is not authorized to receive notifications"),
        ("webhook", {}, "Missing webhook URL"),
        ("webhook", {"url": ""}, "Missing webhook URL"),
        ("webhook", {"url": "ftp://hooks.example.com"}, "Invalid webhook URL"),
        ("webhook", {"url": "hooks.example.com"}, "Invalid webhook URL"),
        ("webhook", {"url": "http://localhost/x"}, "Invalid webhook URL"),
        ("webhook", {"url": "http://127.0.0.1/x"}, "Invalid webhook URL"),
        ("webhook", {"url": "http://[::1"}, "Invalid webhook URL"),
        ("webhook", {"url": "http://user:planted@169.254.169.254/"}, "Invalid webhook URL"),
        ("webhook", {"url": "https://hooks.example.com", "template": "{"}, "not valid JSON"),
        ("webhook", {"url": "https://hooks.example.com", "template": {"a": 1}}, "must be the text of a JSON"),
        ("slack", {}, "Missing Slack Callback URL"),
        ("slack", {"url": "slack.example.com"}, "Invalid Slack Callback URL"),
        ("flowdock", {}, "Missing Flowdock API Token"),
        ("flowdock", {"flow_api_token": "planted"}, "Flowdock was shut down"),
        ("hipchat", {}, "Missing Hipchat Room Notification Token"),
        ("hipchat", {"notification_token": "planted"}, "Missing Hipchat Room ID"),
        ("hipchat", {"notification_token": "planted", "room_id": 7}, "Hipchat was shut down"),
        ("pigeon", {}, "There is no method of notification pigeon"),
    ],
)
def test_what_could_never_be_delivered_is_refused(
    api: APIClient, stranger: User, settings: Settings, method: str, config: dict[str, Any], words: str
) -> None:
    settings.SSRF_ALLOWED_HOSTS = []
    Namespace.objects.create(name="other", kind=Namespace.Kind.ORGANIZATION)

    response = api.post(URL, WEBHOOK | {"method": method, "config": config})

    assert response.status_code == 400
    assert words in response.json()["detail"]
    assert response.json()["error_type"] == "invalid_request"
    assert "planted" not in response.content.decode()
    assert not NotificationTarget.objects.exists()


@pytest.mark.parametrize(
    ("method", "config"),
    [
        ("quay_notification", {"target": {"kind": "user", "name": "owner"}}),
        ("quay_notification", {"target": {"kind": "team", "name": "owners"}}),
        ("quay_notification", {"target": {"kind": "org", "name": "acme"}}),
        ("email", {"email": "Owner@example.com"}),
        ("email", {"email": "team@acme.example.com"}),
        ("slack", {"url": "https://hooks.slack.example.com/services/T/B/X"}),
        ("webhook", {"url": "https://hooks.example.com", "template": '{"text": "${event_data.message}"}'}),
    ],
)
def test_every_way_of_telling_is_accepted_and_shown_as_it_was_sent(
    api: APIClient, organization: Namespace, method: str, config: dict[str, Any]
) -> None:
    Namespace.objects.filter(pk=organization.pk).update(email="team@acme.example.com")

    response = api.post(URL, WEBHOOK | {"method": method, "config": config})

    assert response.status_code == 201
    assert response.json()["config"] == config


def test_an_address_is_encrypted_at_rest_and_its_password_never_shown(api: APIClient) -> None:
    config = {"url": f"https://user:{SECRET}@hooks.example.com/x"}

    made = api.post(URL, WEBHOOK | {"config": config})

    assert made.json()["config"]["url"] == "https://user:********@hooks.example.com/x"
    assert SECRET not in api.get(URL).content.decode()
    assert SECRET not in repr(list(NotificationTarget.objects.values())) + repr(list(LogEntry.objects.values()))
    assert json.loads(NotificationTarget.objects.get().config_text or "") == config


def test_a_configuration_that_cannot_be_decrypted_is_shown_empty(api: APIClient, target: str) -> None:
    NotificationTarget.objects.update(config_ciphertext="broken")

    assert api.get(target).json()["config"] == {}


def test_the_address_without_a_slash_answers_too(api: APIClient, target: str) -> None:
    assert api.get(URL.rstrip("/")).json() == api.get(URL).json()


def test_a_missing_repository_has_none_for_those_who_administer_its_namespace(
    api: APIClient, stranger_api: APIClient
) -> None:
    elsewhere = "/api/v1/repository/acme/missing/notification/"

    assert api.get(elsewhere).json() == {"notifications": []}
    assert api.post(elsewhere, WEBHOOK).status_code == 404
    assert stranger_api.get(elsewhere).status_code == 403


def test_a_target_is_removed_once(api: APIClient, target: str) -> None:
    assert api.send("DELETE", target).status_code == 204
    assert api.get(target).status_code == 404

    again = api.send("DELETE", target)

    assert again.status_code == 400
    assert again.json()["detail"] == f"No repository notification found for: acme, app, {target.rpartition('/')[2]}"


@pytest.mark.parametrize("uuid", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_target_is_404_to_read_and_400_to_change(api: APIClient, uuid: str) -> None:
    assert api.get(URL + uuid).status_code == 404
    for method, path in (("DELETE", uuid), ("POST", uuid), ("POST", f"{uuid}/test")):
        response = api.send(method, URL + path, content_type="")
        assert response.status_code == 400
        assert f"No repository notification found for: acme, app, {uuid}" in response.json()["detail"]


def test_a_target_of_another_repository_is_unknown(api: APIClient, target: str, organization: Namespace) -> None:
    Repository.objects.create(namespace=organization, name="other")

    assert api.get(target.replace("acme/app", "acme/other")).status_code == 404
    assert api.send("DELETE", target.replace("acme/app", "acme/other")).status_code == 400


def test_failures_are_forgotten_on_request(api: APIClient, target: str) -> None:
    NotificationTarget.objects.update(number_of_failures=3)
    assert api.get(target).json()["number_of_failures"] == 3

    assert api.post(target, {}).status_code == 204

    assert api.get(target).json()["number_of_failures"] == 0


def test_a_test_puts_sample_data_into_the_outbox(api: APIClient, target: str) -> None:
    response = api.send("POST", f"{target}/test", content_type="")

    assert (response.status_code, response.json()) == (200, {})
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.event) == ("queued", "repo_mirror_sync_failed")
    assert delivery.payload == {
        "repository": "acme/app",
        "namespace": "acme",
        "name": "app",
        "docker_url": "127.0.0.1:8000/acme/app",
        "homepage": "http://127.0.0.1:8000/repository/acme/app",
        "message": "TEST NOTIFICATION",
    }


def test_tests_are_refused_while_very_many_wait(api: APIClient, target: str) -> None:
    row = NotificationTarget.objects.get()
    Delivery.objects.bulk_create(Delivery(target=row, event=row.event) for _ in range(100))

    response = api.post(f"{target}/test", {})

    assert response.status_code == 400
    assert Delivery.objects.count() == 100


def test_what_waits_goes_with_its_target(api: APIClient, target: str) -> None:
    api.post(f"{target}/test", {})
    api.send("DELETE", target)

    assert not Delivery.objects.exists()


def test_only_administrators_of_the_repository_may_see_and_do_anything(
    api: APIClient, target: str, member_api: APIClient, stranger_api: APIClient, anonymous_api: APIClient
) -> None:
    for client in (member_api, stranger_api):
        assert client.get(URL).status_code == 403
        assert client.get(target).status_code == 403
        assert client.post(URL, WEBHOOK).status_code == 403
        assert client.send("DELETE", target).status_code == 403
        assert client.post(target).status_code == 403
        assert client.post(f"{target}/test").status_code == 403
    assert anonymous_api.get(URL).status_code == 401
    assert NotificationTarget.objects.count() == 1


def test_the_log_names_event_method_and_target_and_no_secret(api: APIClient, target: str) -> None:
    api.post(target)
    api.send("DELETE", target)

    uuid = target.rpartition("/")[2]
    entries = LogEntry.objects.filter(kind__contains="_repo_notification").order_by("id")
    assert [entry.kind for entry in entries] == [
        "add_repo_notification",
        "reset_repo_notification",
        "delete_repo_notification",
    ]
    for entry in entries:
        assert (entry.namespace_name, entry.repository_name, entry.performer_name) == ("acme", "app", "owner")
        assert entry.metadata["notification_id"] == uuid
        assert (entry.metadata["event"], entry.metadata["method"]) == ("repo_mirror_sync_failed", "webhook")


def test_the_number_of_queries_does_not_grow_with_the_targets(api: APIClient) -> None:
    counts = []
    for number in range(12):
        api.post(URL, WEBHOOK)
        if number in (1, 11):
            with CaptureQueriesContext(connection) as queries:
                api.get(URL)
            counts.append(len(queries))

    assert counts[0] == counts[1]


def test_mail_goes_to_nobody_who_may_not_see_the_repository_unless_it_is_public(
    api: APIClient, repository: Repository, stranger: User, make_user: Any
) -> None:
    body = WEBHOOK | {"method": "email", "config": {"email": stranger.email}}
    assert api.post(URL, body).status_code == 400

    join(repository.namespace, stranger, role="admin")
    assert api.post(URL, body).status_code == 201
