"""GET …/mirror/health?detailed=true: the mirrors one by one; and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mirrors.models import Mirror, Sync
from mirrors.models.sync import Status
from mirrors.services.mirroring import health
from tests.api.conftest import APIClient
from tests.api.health.addresses import URL

pytestmark = pytest.mark.django_db

Add = Callable[..., Mirror]


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
