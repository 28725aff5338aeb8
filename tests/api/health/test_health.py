"""GET /v1/repository/mirror/health and /v1/superuser/mirror/health."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from mirrors.models import Mirror, Namespace, Repository, Sync, User, Worker
from mirrors.models.sync import Status, Trigger
from mirrors.services import health, workers
from tasks.workers import leave, report
from tests.api.conftest import APIClient
from tests.fixtures.domain import join

pytestmark = pytest.mark.django_db

URL = "/api/v1/repository/mirror/health"
SUPERUSER_URL = "/api/v1/superuser/mirror/health"
Add = Callable[..., Mirror]


@pytest.fixture
def add(make_mirror: Callable[..., Mirror]) -> Add:
    """`add("app", Status.FAILED)`: a mirror whose last sync, an hour ago, came to that; None: it never ran."""

    def make(name: str, status: Status | None = Status.SUCCEEDED, **values: Any) -> Mirror:
        mirror = make_mirror(name)
        if status is None:
            return mirror
        now = timezone.now()
        running = {"started_at": now, "lease_expires_at": now, "fence": 1}
        ended = {"finished_at": now - timedelta(hours=1)}
        Sync.objects.create(mirror=mirror, status=status, **(running if status == Status.RUNNING else ended) | values)
        return mirror

    return make


@pytest.fixture
def root(make_api: Callable[..., APIClient], superuser: User) -> APIClient:
    """Calls as a superuser."""
    return make_api(superuser, scopes=["super:user"])


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


def test_details_are_listed_where_they_are_asked_for(root: APIClient, add: Add) -> None:
    add("b", Status.FAILED)
    add("a")

    plain = root.get(URL, detailed="false").json()["repositories"]
    assert "details" not in plain
    assert "pagination" not in plain

    detailed = root.get(URL, detailed="true").json()["repositories"]
    last = Sync.objects.get(mirror__repository__name="a").finished_at
    assert last is not None
    assert detailed["details"][0] == {
        "namespace": "acme",
        "repository": "a",
        "sync_status": "SUCCESS",
        "is_enabled": True,
        "last_sync": f"{last:%Y-%m-%dT%H:%M:%SZ}",
        "retries_remaining": 3,
    }
    assert [row["repository"] for row in detailed["details"]] == ["a", "b"]
    assert detailed["pagination"] == {"limit": 100, "offset": 0, "has_more": False}


def test_details_are_read_page_by_page(root: APIClient, add: Add) -> None:
    for name in "abc":
        add(name)

    first = root.get(URL, detailed="true", limit=2).json()["repositories"]
    second = root.get(URL, detailed="true", limit=2, offset=2).json()["repositories"]

    assert [row["repository"] for row in first["details"]] == ["a", "b"]
    assert [row["repository"] for row in second["details"]] == ["c"]
    assert (first["pagination"]["has_more"], second["pagination"]["has_more"]) == (True, False)


@pytest.mark.parametrize(
    ("query", "limit", "offset"),
    [
        ({"limit": "5000"}, 1000, 0),
        ({"limit": "0", "offset": "-4"}, 1, 0),
        ({"limit": "x", "offset": "y"}, 100, 0),
        ({"limit": "7", "offset": "9"}, 7, 9),
    ],
)
def test_a_page_is_kept_within_bounds(root: APIClient, query: dict[str, str], limit: int, offset: int) -> None:
    pagination = root.get(URL, detailed="true", **query).json()["repositories"]["pagination"]

    assert (pagination["limit"], pagination["offset"]) == (limit, offset)


def test_an_unhealthy_answer_is_no_error_of_this_server(
    root: APIClient, add: Add, caplog: pytest.LogCaptureFixture
) -> None:
    add("a", Status.FAILED)

    assert root.get(URL).status_code == 503
    assert caplog.records == []


def test_the_answer_is_not_to_be_kept(root: APIClient) -> None:
    for url in (URL, SUPERUSER_URL):
        assert root.get(url).headers["Cache-Control"] == "no-cache, no-store, must-revalidate"


def test_who_belongs_to_a_namespace_may_see_its_mirrors_and_no_others(
    api: APIClient, member_api: APIClient, stranger_api: APIClient, add: Add
) -> None:
    add("a")

    for client in (api, member_api):
        assert client.get(URL, namespace="acme").json()["repositories"]["total"] == 1
        assert client.get(URL).status_code == 403
    assert stranger_api.get(URL, namespace="acme").status_code == 403
    assert stranger_api.get(URL, namespace="stranger").json()["repositories"]["total"] == 0
    assert stranger_api.get(URL, namespace="owner").status_code == 403


@pytest.mark.parametrize("name", ["nowhere", "No Where", "a\0b"])
def test_a_namespace_that_does_not_exist_is_404(root: APIClient, name: str) -> None:
    response = root.get(URL, namespace=name)

    assert response.status_code == 404
    assert response.json()["error_type"] == "not_found"


def test_nobody_sees_anything_without_signing_in(anonymous_api: APIClient) -> None:
    assert anonymous_api.get(URL).status_code == 401
    assert anonymous_api.get(URL, namespace="acme").status_code == 401
    assert anonymous_api.get(SUPERUSER_URL).status_code == 401


def test_a_token_needs_a_scope_that_has_to_do_with_repositories(make_api: Any, owner: User, add: Add) -> None:
    assert make_api(owner, scopes=["user:admin"]).get(URL, namespace="acme").status_code == 403
    for scope in ("repo:read", "repo:admin", "org:admin", "super:user"):
        assert make_api(owner, scopes=[scope]).get(URL, namespace="acme").status_code == 200


def test_superusers_and_read_only_superusers_see_all(make_api: Any, make_user: Any, superuser: User, add: Add) -> None:
    add("a")
    auditor = make_user("auditor", is_readonly_superuser=True)

    for user in (superuser, auditor):
        client = make_api(user, scopes=["super:user"])
        for url in (URL, SUPERUSER_URL):
            assert client.get(url).json()["repositories"]["total"] == 1
        assert make_api(user, scopes=["repo:admin"]).get(URL).status_code == 403
        assert make_api(user, scopes=["repo:admin"]).get(SUPERUSER_URL).status_code == 403


def test_an_ordinary_user_may_not_use_the_superusers_address(make_api: Any, owner: User) -> None:
    assert make_api(owner, scopes=["super:user"]).get(SUPERUSER_URL).status_code == 403


def test_the_superusers_address_names_no_repository_and_gives_the_same_verdict(root: APIClient, add: Add) -> None:
    add("a", Status.FAILED, attempt=3)
    add("b", None)
    add("c", finished_at=timezone.now() - timedelta(hours=48))

    response = root.get(SUPERUSER_URL, detailed="true")

    assert response.status_code == 503
    body = response.json()
    assert [issue["severity"] for issue in body["issues"]] == ["critical"]
    assert "acme" not in response.content.decode()
    assert body["repositories"] == {"total": 3, "syncing": 0, "completed": 1, "failed": 1, "never_run": 1}


def test_the_address_wins_over_a_repository_of_that_name(api: APIClient, owner: User) -> None:
    namespace = Namespace.objects.create(name="mirror", kind=Namespace.Kind.ORGANIZATION)
    join(namespace, owner, role="admin")
    Repository.objects.create(namespace=namespace, name="health")

    assert "healthy" in api.get(URL, namespace="acme").json()


def test_the_number_of_queries_does_not_grow_with_the_mirrors(root: APIClient, add: Add) -> None:
    root.get(URL)  # the first request with a token notes that it was used
    counts = []
    for number in range(12):
        add(f"app-{number}", Status.FAILED if number % 2 else Status.SUCCEEDED, attempt=3)
        if number in (1, 11):
            with CaptureQueriesContext(connection) as queries:
                root.get(URL, detailed="true")
            counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_summary_asks_for_no_rows(add: Add, django_assert_num_queries: Any) -> None:
    add("a", Status.FAILED)

    with django_assert_num_queries(3):
        health.health(is_summary=True)
