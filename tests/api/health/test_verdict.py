"""GET …/mirror/health: the sums, the verdict, and what is told besides."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mirrors.models import Mirror, Repository, Sync, User
from mirrors.models.sync import Status, Trigger
from tests.api.conftest import APIClient
from tests.api.health.addresses import SUPERUSER_URL, URL

pytestmark = pytest.mark.django_db

Add = Callable[..., Mirror]


def _messages(body: dict[str, Any], severity: str) -> list[str]:
    return [issue["message"] for issue in body["issues"] if issue["severity"] == severity]


def test_a_farm_without_mirrors_is_healthy_and_has_no_issues(root: APIClient) -> None:
    response = root.get(URL)

    assert response.status_code == 200
    body = response.json()
    assert body == {
        "healthy": True,
        "workers": {"active": 0, "configured": 0, "status": "healthy"},
        "repositories": {"total": 0, "syncing": 0, "completed": 0, "failed": 0, "never_run": 0},
        "tags_pending": 0,
        "last_check": body["last_check"],
        "issues": [],
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", body["last_check"])


def test_mirrors_that_all_succeeded_are_healthy(root: APIClient, add: Add) -> None:
    add("a")
    add("b")

    body = root.get(URL).json()

    assert (body["healthy"], body["repositories"]["completed"], body["issues"]) == (True, 2, [])


def test_half_of_the_mirrors_failing_is_critical(root: APIClient, add: Add) -> None:
    add("a")
    add("b", Status.FAILED)

    response = root.get(URL)

    assert response.status_code == 503
    body = response.json()
    assert (body["healthy"], body["workers"]["status"], body["repositories"]["failed"]) == (False, "degraded", 1)
    assert body["issues"][0]["severity"] == "critical"
    assert _messages(body, "critical") == ["50.0% of repositories are failing (threshold: 20.0%)"]


def test_a_fifth_of_the_mirrors_failing_is_still_healthy(root: APIClient, add: Add) -> None:
    for name in "abcd":
        add(name)
    add("e", Status.LOST)

    assert root.get(URL).json()["healthy"] is True


def test_what_never_ran_does_not_count_for_the_share_that_fails(root: APIClient, add: Add) -> None:
    for name in "abcd":
        add(name)
    add("e", Status.FAILED)
    for name in "xyz":
        add(name, None)
    assert root.get(URL).json()["healthy"] is True

    add("f", Status.FAILED)

    body = root.get(URL).json()
    assert (body["healthy"], body["repositories"]["never_run"]) == (False, 3)
    assert _messages(body, "critical") == ["33.3% of repositories are failing (threshold: 20.0%)"]


def test_only_enabled_mirrors_of_repositories_that_are_mirrored_count(root: APIClient, add: Add) -> None:
    add("a")
    Mirror.objects.filter(pk=add("b", Status.FAILED).pk).update(is_enabled=False)
    for name, state in (("c", "NORMAL"), ("d", "READ_ONLY"), ("e", "ORG_MIRROR")):
        Repository.objects.filter(mirror=add(name, Status.FAILED)).update(state=state)

    assert root.get(URL).json()["repositories"] == {
        "total": 1,
        "syncing": 0,
        "completed": 1,
        "failed": 0,
        "never_run": 0,
    }


def test_what_is_asked_for_or_cancelled_is_in_the_total_alone(root: APIClient, add: Add) -> None:
    Sync.objects.create(mirror=add("a", None), trigger=Trigger.MANUAL)
    add("b", Status.CANCELLED)
    add("c", Status.RUNNING)
    add("d", Status.RUNNING, cancel_requested_at=timezone.now())

    assert root.get(URL).json()["repositories"] == {
        "total": 4,
        "syncing": 1,
        "completed": 0,
        "failed": 0,
        "never_run": 0,
    }


def test_tags_that_running_syncs_have_still_to_look_at_are_summed(
    root: APIClient, api: APIClient, add: Add, owner: User
) -> None:
    add("a", Status.RUNNING, tags_total=10, tags_copied=2, tags_unchanged=3, tags_skipped=1, tags_failed=1)
    add("b", Status.RUNNING, tags_total=5)
    add("c", Status.SUCCEEDED, tags_total=9)

    assert root.get(URL).json()["tags_pending"] == 8
    assert api.get(URL, namespace="acme").json()["tags_pending"] == 8
    assert api.get(URL, namespace="owner").json()["tags_pending"] == 0


def test_a_sync_of_two_days_ago_is_a_warning(root: APIClient, add: Add) -> None:
    add("old", finished_at=timezone.now() - timedelta(hours=48))
    add("new")

    body = root.get(URL).json()

    assert body["healthy"] is True
    assert _messages(body, "warning") == ["acme/old hasn't synced in over 24 hours"]
    assert re.fullmatch(r".{19}\.\d{6}Z", body["issues"][0]["timestamp"])


def test_five_of_each_kind_are_named_at_most(root: APIClient, add: Add) -> None:
    for number in range(7):
        add(f"old-{number}", finished_at=timezone.now() - timedelta(hours=48))
        add(f"never-{number}", None)
        add(f"failed-{number}", Status.FAILED, attempt=3)

    body = root.get(URL).json()

    warnings, errors = _messages(body, "warning"), _messages(body, "error")
    assert [message for message in warnings if "24 hours" in message] == [
        f"acme/old-{number} hasn't synced in over 24 hours" for number in range(5)
    ]
    assert len([message for message in warnings if "never been synced" in message]) == 5
    assert errors == [f"acme/failed-{number} has exhausted all retry attempts" for number in range(5)]


def test_a_mirror_that_will_be_tried_again_has_not_exhausted_its_attempts(root: APIClient, add: Add) -> None:
    Sync.objects.create(mirror=add("a", Status.FAILED, attempt=3), trigger=Trigger.RETRY)
    add("b", Status.FAILED, attempt=1)

    assert _messages(root.get(URL).json(), "error") == []


def test_an_unhealthy_answer_is_no_error_of_this_server(
    root: APIClient, add: Add, caplog: pytest.LogCaptureFixture
) -> None:
    add("a", Status.FAILED)

    assert root.get(URL).status_code == 503
    assert caplog.records == []


def test_the_answer_is_not_to_be_kept(root: APIClient) -> None:
    for url in (URL, SUPERUSER_URL):
        assert root.get(url).headers["Cache-Control"] == "no-cache, no-store, must-revalidate"
