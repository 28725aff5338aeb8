"""GET …/mirror/syncs and …/mirror/syncs/{id}."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mirrors.models import Mirror, Sync, TagCopy, User
from mirrors.oci.errors import Code, Side
from tests.api.conftest import MIRROR, APIClient

SYNCS = f"{MIRROR}/syncs"


def finished(mirror: Mirror, *, by: User | None = None) -> Sync:
    sync = Sync.objects.create(mirror=mirror, requested_by=by)
    sync.start(worker="worker-1", snapshot={})
    sync.succeed(message="2 tags copied.", tags_total=2, tags_copied=2, bytes_copied=30)
    return sync


def test_the_history_is_paged_newest_first(api: APIClient, mirror: Mirror) -> None:
    ids = [finished(mirror).pk for _ in range(5)]
    seen: list[int] = []
    query = {"limit": "2"}
    for _ in range(3):
        page = api.get(SYNCS, **query).json()
        seen += [sync["id"] for sync in page["syncs"]]
        query["next_page"] = page.get("next_page", "")
    assert seen == ids[::-1]
    assert "next_page" not in page


def test_one_sync_shows_counts_error_and_pages_of_tags(api: APIClient, mirror: Mirror, owner: User) -> None:
    sync = Sync.objects.create(mirror=mirror, requested_by=owner)
    sync.start(worker="worker-1", snapshot={})
    for name in ("v1", "v2", "v3"):
        TagCopy.objects.create(sync=sync, tag=name, action="copied", source_digest="sha256:" + "0" * 64)
    sync.fail(code=Code.RATE_LIMITED, side=Side.SOURCE, message="Too many requests.", tags_total=3, tags_copied=3)
    body = api.get(f"{SYNCS}/{sync.pk}", limit=2).json()
    assert (body["status"], body["requested_by"], body["tag_counts"]["copied"]) == ("failed", "owner", 3)
    assert (body["error"]["code"], body["error"]["side"]) == ("rate_limited", "source")
    assert [tag["tag"] for tag in body["tags"]] == ["v1", "v2"]
    assert body["tags"][0]["target_digest"] is None
    last = api.get(f"{SYNCS}/{sync.pk}", limit=2, next_page=body["next_page"]).json()
    assert [tag["tag"] for tag in last["tags"]] == ["v3"]
    assert "next_page" not in last


def pages_of_tags(api: APIClient, sync: Sync, *, limit: int) -> list[list[str]]:
    """The names of the tags, page by page."""
    pages, query = [], {"limit": limit}
    while True:
        body = api.get(f"{SYNCS}/{sync.pk}", **query).json()
        pages.append([tag["tag"] for tag in body["tags"]])
        if "next_page" not in body:
            return pages
        query["next_page"] = body["next_page"]


@pytest.mark.parametrize(
    ("limit", "pages"),
    [
        (1, [["moved-1"], ["moved-2"], ["same-1"], ["same-2"], ["same-3"]]),
        (2, [["moved-1", "moved-2"], ["same-1", "same-2"], ["same-3"]]),
        (3, [["moved-1", "moved-2", "same-1"], ["same-2", "same-3"]]),
        (5, [["moved-1", "moved-2", "same-1", "same-2", "same-3"]]),
    ],
)
def test_pages_go_on_from_recorded_tags_to_unchanged_ones_without_a_gap(
    api: APIClient, mirror: Mirror, limit: int, pages: list[list[str]]
) -> None:
    sync = Sync.objects.create(mirror=mirror)
    sync.start(worker="worker-1", snapshot={})
    for name in ("moved-1", "moved-2"):
        TagCopy.objects.create(sync=sync, tag=name, action="copied")
    sync.succeed(message="done", tags_unchanged=3, unchanged_tags=["same-1", "same-2", "same-3"])

    assert pages_of_tags(api, sync, limit=limit) == pages


def test_an_unchanged_tag_has_its_digests_and_a_sync_its_referrers_and_the_sources_limit(
    api: APIClient, mirror: Mirror
) -> None:
    sync = Sync.objects.create(mirror=mirror)
    sync.start(worker="worker-1", snapshot={})
    mirror.tags.create(tag="same", source_digest="sha256:ab", target_digest="sha256:cd", sync_id=sync.pk)
    TagCopy.objects.create(sync=sync, tag="moved", action="copied", referrers_copied=2, referrers_failed=1)
    limit = {"limit": 100, "remaining": 76, "window": 21600}
    sync.succeed(message="done", unchanged_tags=["same"], referrers_copied=2, referrers_failed=1, rate_limit=limit)

    body = api.get(f"{SYNCS}/{sync.pk}").json()

    assert (body["referrers"], body["rate_limit"]) == ({"copied": 2, "failed": 1}, limit)
    moved, same = body["tags"]
    assert moved["referrers"] == {"copied": 2, "failed": 1}
    assert (same["action"], same["source_digest"], same["target_digest"]) == ("unchanged", "sha256:ab", "sha256:cd")


@pytest.mark.parametrize("value", ["x", "0", "-0", "--1", "1.5", "-²"])
def test_a_wrong_page_of_tags_is_refused(api: APIClient, mirror: Mirror, value: str) -> None:
    response = api.get(f"{SYNCS}/{finished(mirror).pk}", next_page=value)
    assert response.status_code == 400
    assert response.json()["message"] == "next_page in the query must be a whole number, not 0."


def test_a_page_beyond_the_last_tag_is_empty(api: APIClient, mirror: Mirror) -> None:
    sync = finished(mirror)
    for value in ("-1", "-999999999999999999", "999999999999999999"):
        body = api.get(f"{SYNCS}/{sync.pk}", next_page=value).json()
        assert body["tags"] == []
        assert "next_page" not in body


def test_a_sync_of_another_mirror_is_not_found(api: APIClient, make_mirror: Callable[..., Mirror]) -> None:
    make_mirror("app")
    other = finished(make_mirror("other"))
    for number in (other.pk, 0, 999_999_999_999_999_999):
        assert api.get(f"{SYNCS}/{number}").status_code == 404
    assert api.get(SYNCS).json() == {"syncs": []}


@pytest.mark.parametrize("value", ["x", "-1", "0", "1.5", "²", "9" * 30])
@pytest.mark.parametrize("name", ["limit", "next_page"])
def test_a_wrong_page_is_refused(api: APIClient, mirror: Mirror, name: str, value: str) -> None:
    response = api.get(SYNCS, **{name: value})
    assert response.status_code == 400
    assert name in response.json()["message"]


def test_the_history_is_filtered_by_status_and_trigger(api: APIClient, mirror: Mirror) -> None:
    good = finished(mirror).pk
    bad = Sync.objects.create(mirror=mirror, trigger="retry")
    bad.start(worker="worker-1", snapshot={})
    bad.fail(code=Code.TIMEOUT, side=Side.SOURCE, message="It took too long.")
    asked = Sync.objects.create(mirror=mirror, trigger="manual").pk

    def found(**query: str) -> list[int]:
        return [sync["id"] for sync in api.get(SYNCS, **query).json()["syncs"]]

    assert found(status="succeeded") == [good]
    assert found(status="failed", trigger="retry") == [bad.pk]
    assert found(trigger="manual") == [asked]
    assert found(status="lost") == []
    page = api.get(SYNCS, limit=1, trigger="schedule").json()
    assert ([sync["id"] for sync in page["syncs"]], "next_page" in page) == ([good], False)


@pytest.mark.parametrize("name", ["status", "trigger"])
def test_an_unknown_word_to_filter_by_is_refused_with_the_known_ones(api: APIClient, mirror: Mirror, name: str) -> None:
    response = api.get(SYNCS, **{name: "nonsense"})
    assert response.status_code == 400
    assert f"{name} in the query must be one of " in response.json()["message"]


def test_a_page_costs_the_same_queries_however_long_it_is(api: APIClient, mirror: Mirror, owner: User) -> None:
    counts = []
    api.get(SYNCS)  # the first call of a token writes down that it was used
    for number in (2, 20):
        while Sync.objects.count() < number:
            finished(mirror, by=owner)
        with CaptureQueriesContext(connection) as queries:
            assert len(api.get(SYNCS).json()["syncs"]) == number
        counts.append(len(queries))
    assert counts[0] == counts[1]
