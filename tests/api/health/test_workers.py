"""Workers say that they are there, and health counts them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from mirrors.models import Mirror, Worker
from mirrors.services.syncs import workers
from tasks.workers import leave, report
from tests.api.conftest import APIClient
from tests.api.health.addresses import URL

pytestmark = pytest.mark.django_db

Add = Callable[..., Mirror]


def _messages(body: dict[str, Any], severity: str) -> list[str]:
    return [issue["message"] for issue in body["issues"] if issue["severity"] == severity]


def test_a_worker_that_does_not_report_is_missed(root: APIClient, add: Add, settings: Settings) -> None:
    add("a")
    settings.REPO_MIRROR_WORKER_REPLICAS = 3
    workers.note_worker("sync@one")

    response = root.get(URL)

    assert response.status_code == 503
    body = response.json()
    assert body["workers"] == {"active": 1, "configured": 3, "status": "degraded"}
    assert _messages(body, "warning") == ["2 mirror worker(s) are not reporting: 1 of 3 are there"]


def test_nobody_is_warned_of_workers_where_none_report_or_nothing_is_mirrored(
    root: APIClient, add: Add, settings: Settings
) -> None:
    settings.REPO_MIRROR_WORKER_REPLICAS = 3
    workers.note_worker("sync@one")
    assert root.get(URL).json()["healthy"] is True

    add("a")
    workers.forget_worker("sync@one")

    body = root.get(URL).json()
    assert (body["healthy"], body["issues"]) == (True, [])


def test_without_a_wanted_number_of_workers_those_there_are_are_enough(root: APIClient) -> None:
    workers.note_worker("sync@one")
    workers.note_worker("sync@two")
    workers.note_worker("sync@two")
    Worker.objects.create(name="sync@gone", seen_at=timezone.now() - timedelta(seconds=100))

    assert root.get(URL).json()["workers"] == {"active": 2, "configured": 2, "status": "healthy"}


def _heart(name: str, *queues: str) -> Any:
    app = SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from=dict.fromkeys(queues))))
    return SimpleNamespace(eventer=SimpleNamespace(hostname=name, app=app))


def test_a_worker_reports_with_its_heartbeat_if_it_copies_and_is_gone_when_it_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "close", lambda: None)  # it is the test's own
    for _ in range(3):
        report(_heart("sync@test", "sync", "sync-now"))
        report(_heart("control@test", "control"))
    assert list(Worker.objects.values_list("name", flat=True)) == ["sync@test"]

    leave(SimpleNamespace(hostname="sync@test"))

    assert not Worker.objects.exists()


def test_workers_that_have_long_been_gone_are_forgotten() -> None:
    Worker.objects.create(name="sync@old", seen_at=timezone.now() - timedelta(days=2))

    workers.note_worker("sync@new")

    assert list(Worker.objects.values_list("name", flat=True)) == ["sync@new"]
