"""GET /v1/mirrors and its sums; orders for many mirrors at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mirrors.models import Mirror, Namespace, Repository, Robot, Sync, User
from mirrors.models.repository import RepositoryPermission
from mirrors.models.sync import Trigger
from tests.api.conftest import APIClient
from tests.fixtures.domain import ended_sync

MIRRORS = "/api/v1/mirrors"
ALL = ["repo:admin", "super:user"]


@pytest.fixture
def fleet(make_mirror: Callable[..., Mirror]) -> dict[str, Mirror]:
    """Six mirrors, each in another state; `app` of another source."""
    names = ("app", "base", "cache", "data", "edge", "feed")
    found = {name: make_mirror(name, source_reference=f"quay.io/team/{name}") for name in names}
    found["app"].source_reference = "docker.io/library/app"
    found["app"].save()
    ended_sync(found["base"], "succeeded", tags_total=3, tags_copied=2, bytes_copied=100)
    ended_sync(found["cache"], "failed", error_code="timeout", error_side="source", message="Too slow.")
    ended_sync(found["data"], "succeeded", bytes_copied=7)
    Sync.objects.create(mirror=found["data"], trigger=Trigger.MANUAL)
    now = timezone.now()
    Sync.objects.create(mirror=found["edge"], status="running", started_at=now, lease_expires_at=now, fence=1)
    ended_sync(found["feed"], "cancelled")
    return found


def names(response: Any) -> list[str]:
    """The repositories of a page."""
    assert response.status_code == 200, response.content
    return [row["repository"].removeprefix("acme/") for row in response.json()["mirrors"]]


def test_each_mirror_is_shown_with_how_it_is_doing(api: APIClient, fleet: dict[str, Mirror]) -> None:
    page = api.get(MIRRORS).json()

    assert {row["repository"]: row["state"] for row in page["mirrors"]} == {
        "acme/app": "never_run",
        "acme/base": "succeeded",
        "acme/cache": "failed",
        "acme/data": "requested",
        "acme/edge": "syncing",
        "acme/feed": "cancelled",
    }
    assert [row["sync_status"] for row in page["mirrors"]] == [
        "NEVER_RUN",
        "SUCCESS",
        "FAIL",
        "SYNC_NOW",
        "SYNCING",
        "CANCEL",
    ]
    assert page["mirrors"][2]["last_error"]["message"] == "Too slow."
    assert (page["total"], page["has_next"]) == (6, False)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"states": "failed"}, ["cache"]),
        ({"states": "failed,syncing"}, ["cache", "edge"]),
        ({"source_host": "docker.io"}, ["app"]),
        ({"text": "quay base"}, ["base"]),
        ({"namespace": "other"}, []),
        ({"enabled": "false"}, []),
        ({"late": "true"}, []),
        ({"sort": "-repository", "limit": "2"}, ["feed", "edge"]),
        ({"limit": "2", "page": "3"}, ["edge", "feed"]),
        ({"sort": "source", "limit": "1"}, ["app"]),
        ({"sort": "-last_sync", "limit": "1"}, ["feed"]),
    ],
)
def test_the_list_is_filtered_sorted_and_paged(
    api: APIClient, fleet: dict[str, Mirror], query: dict[str, str], expected: list[str]
) -> None:
    assert names(api.get(MIRRORS, **query)) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"states": "asleep"},
        {"late": "perhaps"},
        {"sort": "colour"},
        {"late_after": "-1"},
        {"page": "0"},
        {"text": "a " * 21},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(api: APIClient, query: dict[str, str]) -> None:
    assert api.get(MIRRORS, **query).status_code == 400


def test_a_mirror_is_late_when_it_is_overdue_enabled_and_not_running(api: APIClient, fleet: dict[str, Mirror]) -> None:
    Mirror.objects.update(next_sync_at=timezone.now() - timedelta(hours=1))
    Mirror.objects.filter(pk=fleet["base"].pk).update(is_enabled=False)
    Repository.objects.filter(name="cache").update(state=Repository.State.READ_ONLY)
    Mirror.objects.filter(pk=fleet["feed"].pk).update(next_sync_at=None)

    late = api.get(MIRRORS, late="true")

    assert names(late) == ["app", "data"]
    assert all(row["is_late"] for row in late.json()["mirrors"])
    assert names(api.get(MIRRORS, late="true", late_after="7200")) == []
    assert names(api.get(MIRRORS, late="false")) == ["base", "cache", "edge", "feed"]


def test_the_sums_count_states_sources_tags_and_bytes(api: APIClient, fleet: dict[str, Mirror]) -> None:
    sums = api.get(f"{MIRRORS}/sums").json()

    assert (sums["mirrors"], sums["enabled"], sums["late"]) == (6, 6, 0)
    assert {state: count for state, count in sums["states"].items() if count} == {
        "never_run": 1,
        "succeeded": 1,
        "failed": 1,
        "requested": 1,
        "syncing": 1,
        "cancelled": 1,
    }
    assert sums["source_hosts"] == [
        {"source_host": "quay.io", "mirrors": 5},
        {"source_host": "docker.io", "mirrors": 1},
    ]
    assert sums["last_syncs"] == {"tags": 3, "tags_copied": 2, "bytes_copied": 107}
    assert api.get(f"{MIRRORS}/sums", states="failed").json()["mirrors"] == 1


def test_one_sees_the_mirrors_that_one_administers(
    fleet: dict[str, Mirror],
    stranger: User,
    stranger_api: APIClient,
    member_api: APIClient,
    anonymous_api: APIClient,
    superuser: User,
    make_user: Callable[..., User],
    make_api: Callable[..., APIClient],
) -> None:
    assert anonymous_api.get(MIRRORS).status_code == 401
    assert names(member_api.get(MIRRORS)) == []
    assert names(stranger_api.get(MIRRORS)) == []
    RepositoryPermission.objects.create(repository=fleet["base"].repository, user=stranger, role="admin")
    RepositoryPermission.objects.create(repository=fleet["cache"].repository, user=stranger, role="write")
    assert names(stranger_api.get(MIRRORS)) == ["base"]
    assert stranger_api.get(f"{MIRRORS}/sums").json()["mirrors"] == 1
    assert len(names(make_api(superuser, scopes=ALL).get(MIRRORS))) == 6
    assert names(make_api(superuser, scopes=["repo:admin"]).get(MIRRORS)) == []
    reader = make_user("auditor", is_readonly_superuser=True)
    assert len(names(make_api(reader, scopes=ALL).get(MIRRORS))) == 6
    ordered = make_api(reader, scopes=ALL).post(f"{MIRRORS}/disable", {"filter": {}})
    assert ordered.json() == {"done": 0, "refused": []}


def test_the_number_of_queries_does_not_grow_with_the_fleet(
    api: APIClient, fleet: dict[str, Mirror], make_mirror: Callable[..., Mirror]
) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(path).status_code == 200
        return len(captured)

    queries(MIRRORS)  # a token's first use is noted
    before = [queries(MIRRORS), queries(f"{MIRRORS}/sums")]
    for number in range(20):
        ended_sync(make_mirror(f"more-{number}", robot=Robot.objects.get()), "failed", message="No.")
    assert [queries(MIRRORS), queries(f"{MIRRORS}/sums")] == before


def test_syncs_of_many_mirrors_are_asked_for_at_once(api: APIClient, fleet: dict[str, Mirror], rung: list[int]) -> None:
    ordered = api.post(f"{MIRRORS}/sync-now", {"filter": {"source_host": "quay.io"}}).json()

    assert ordered["done"] == 4
    assert [row["repository"] for row in ordered["refused"]] == ["acme/edge"]
    assert "being synced already" in ordered["refused"][0]["reason"]
    assert Sync.objects.filter(trigger=Trigger.MANUAL, status="queued").count() == 4


def test_mirrors_are_ordered_by_name_too_and_those_one_does_not_administer_are_named(
    api: APIClient, fleet: dict[str, Mirror], rung: list[int]
) -> None:
    Namespace.objects.create(name="other")
    ordered = api.post(f"{MIRRORS}/disable", {"repositories": ["acme/app", "acme/nothing", "other/app"]}).json()

    assert ordered["done"] == 1
    assert [row["repository"] for row in ordered["refused"]] == ["acme/nothing", "other/app"]
    assert list(Mirror.objects.filter(is_enabled=False).values_list("repository__name", flat=True)) == ["app"]
    assert api.post(f"{MIRRORS}/enable", {"filter": {"enabled": False}}).json()["done"] == 1
    assert api.post(f"{MIRRORS}/cancel", {"repositories": ["acme/data", "acme/app"]}).json()["done"] == 1


def test_a_page_that_no_database_can_count_to_is_empty(api: APIClient, fleet: dict[str, Mirror]) -> None:
    response = api.get(MIRRORS, page="9" * 18, limit="200")
    assert (response.status_code, response.json()["mirrors"]) == (200, [])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filter": {}, "repositories": []},
        {"repositories": ["a/b"] * 501},
        {"filter": {"text": "a " * 1000}},
        {"filter": {"text": "a" * 100_000}},
        {"filter": {"source_host": "a" * 100_000}},
    ],
)
def test_an_order_says_for_what_it_is_and_for_not_too_much(
    api: APIClient, organization: Namespace, body: dict[str, Any]
) -> None:
    assert api.post(f"{MIRRORS}/sync-now", body).status_code == 400
