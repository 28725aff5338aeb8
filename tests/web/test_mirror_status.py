"""The status of the Mirroring tab: what it says, how soon it asks again, and its buttons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mirrors.models import Mirror, Sync, TagCopy
from mirrors.models.sync import Stage
from mirrors.oci.errors import Code, Side
from mirrors.services.syncs import syncs
from tests.fixtures.browsing import text_of
from tests.web.conftest import HTMX, action, tab

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung")]


def start(mirror: Mirror, **progress: Any) -> Sync:
    sync = syncs.request_sync(mirror)
    assert sync.start(worker="worker-7@host", snapshot={})
    if progress:
        assert sync.renew(**progress)
    return sync


def fragment(client: Client, mirror: Mirror) -> str:
    response = client.get(action("status", mirror.repository), **HTMX)
    assert response.status_code == 200
    assert "<html" not in response.text
    return response.text


def test_tags_that_are_being_copied_stand_above_those_that_are_settled(client: Client, mirror: Mirror) -> None:
    sync = start(mirror, in_flight=[["v2.0", 1_500_000, 3_000_000], ["v2.1", 0, 0]])
    sync.tag_copies.create(tag="v1.0", action="copied")
    page = fragment(client, mirror)
    assert page.index("v2.0") < page.index("v2.1") < page.index("v1.0")
    assert "1.5 MB of 3.0 MB" in page
    assert 'value="1500000" max="3000000"' in page
    assert sync.succeed(message="Done.")
    assert "v2.0" not in fragment(client, mirror)


def test_a_running_sync_shows_stage_tags_bytes_and_lease(client: Client, mirror: Mirror) -> None:
    start(
        mirror,
        stage=Stage.COPYING,
        tags_total=48,
        tags_copied=20,
        tags_unchanged=8,
        tags_failed=3,
        bytes_copied=3 * 2**30 // 2,
        bytes_expected=2**31,
    )
    page = fragment(client, mirror)
    for words in (
        "Syncing",
        "Comparing and copying tags.",
        "31 of 48 tags",
        "1.6 GB of 2.1 GB",
        '<progress value="31"',
        "worker-7@host",
        "3 / 3",
        'hx-trigger="refresh, every 1s"',
    ):
        assert words in page
    assert 'id="mirror-form"' not in page, "a poll must never replace the form"


def test_a_sync_that_still_lists_has_no_end_of_its_bar(client: Client, mirror: Mirror) -> None:
    start(mirror, stage=Stage.LISTING)
    page = fragment(client, mirror)
    assert "Listing the source&#x27;s tags." in page
    assert "Counting tags" in page
    assert "max=" not in page


def test_a_queued_sync_waits_for_a_worker(client: Client, mirror: Mirror) -> None:
    syncs.request_sync(mirror)
    page = fragment(client, mirror)
    assert "Scheduled now" in page
    assert "Waiting for a free worker." in page
    assert 'hx-trigger="refresh, every 2s"' in page


def test_a_failure_shows_side_code_and_sentence(client: Client, mirror: Mirror) -> None:
    start(mirror).fail(code=Code.AUTH_FAILED, side=Side.SOURCE, message="The registry refused <the> password.")
    page = fragment(client, mirror)
    for words in ("Failed", "source: auth_failed", "The registry refused &lt;the&gt; password."):
        assert words in page


def test_a_waiting_retry_is_no_failure_yet(client: Client, mirror: Mirror) -> None:
    sync = start(mirror)
    sync.fail(code=Code.TIMEOUT, side=Side.SOURCE, message="Too slow.")
    Sync.objects.create(
        mirror=mirror,
        trigger="retry",
        attempt=2,
        available_at=timezone.now() + timedelta(seconds=100, milliseconds=500),
    )
    page = fragment(client, mirror)
    assert "Retrying (2/3)" in page
    assert "The next one starts in 1 min" in page
    assert "Too slow." in page
    assert "2 / 3" in page


def test_a_success_says_what_it_did(client: Client, mirror: Mirror) -> None:
    start(mirror).succeed(message="2 tags copied.", tags_copied=2, bytes_copied=2048)
    page = fragment(client, mirror)
    assert "Succeeded" in page
    assert "2 tags copied." in page


@pytest.mark.parametrize(
    ("wait", "enabled", "trigger"),
    [
        (timedelta(hours=1, minutes=2), True, "refresh, load delay:3600s"),
        (timedelta(minutes=1), True, "refresh, every 15s"),
        (timedelta(seconds=-5), True, "refresh, every 2s"),
        (timedelta(hours=-1), True, "refresh, every 15s"),
        (timedelta(minutes=1), False, "refresh"),
        (None, True, "refresh"),
    ],
)
def test_the_page_asks_as_often_as_there_may_be_news(
    client: Client, make_mirror: Callable[..., Mirror], wait: timedelta | None, enabled: bool, trigger: str
) -> None:
    due = None if wait is None else timezone.now() + wait
    mirror = make_mirror(is_enabled=enabled, next_sync_at=due)
    page = fragment(client, mirror).replace("delay:3599s", "delay:3600s")
    assert f'hx-trigger="{trigger}"' in page


def test_the_history_is_fetched_again_when_a_sync_has_ended(client: Client, mirror: Mirror) -> None:
    sync = start(mirror)
    running = client.get(action("status", mirror.repository), **HTMX)
    sync.succeed(message="done")
    ended = client.get(action("status", mirror.repository), **HTMX)
    assert "HX-Trigger" not in running.headers
    assert ended.headers["HX-Trigger"] == "mirror-finished"


def test_failed_tags_come_first_and_a_hundred_are_shown(client: Client, mirror: Mirror) -> None:
    sync = start(mirror)
    broken = TagCopy(sync=sync, tag="zz-broken", action="failed", error_code="timeout", message="Nothing came.")
    bare = TagCopy(sync=sync, tag="zz-bare", action="copied", referrers_failed=1)
    new = TagCopy(sync=sync, tag="yy-new", action="copied", target_digest="sha256:" + "ab" * 32, bytes_copied=10)
    TagCopy.objects.bulk_create([broken, bare, new])
    sync.succeed(message="done", unchanged_tags=[f"v{number:03}" for number in range(120)], tags_unchanged=120)
    page = fragment(client, mirror)
    assert page.index("zz-broken") < page.index("zz-bare") < page.index("yy-new") < page.index("v000")
    assert "and 23 more" in page
    assert "v097" not in page
    assert "sha256:abababababab<" in page
    assert "timeout" in page
    assert "Nothing came." in page


def test_what_came_along_with_each_tag_is_shown_and_what_did_not(client: Client, mirror: Mirror) -> None:
    sync = start(mirror)
    sync.tag_copies.create(tag="v1", action="copied", bytes_copied=1_500_000, referrers_copied=2)
    sync.tag_copies.create(tag="v2", action="copied", referrers_copied=1, referrers_failed=1, message="1 is gone.")
    sync.tag_copies.create(tag="v3", action="copied", referrers_failed=2, message="Two are gone.")
    sync.succeed(message="done", tags_copied=3, bytes_copied=1_500_000, referrers_copied=3, referrers_failed=3)

    page = text_of(fragment(client, mirror))

    assert "3 copied · 1.5 MB · 3 referrers, 3 failed" in page
    assert "1.5 MB 2 referrers" in page
    assert "1 referrer, 1 failed 1 is gone." in page
    assert "2 referrers failed Two are gone." in page
    assert "3 referrers, 3 failed" in text_of(client.get(action("history", mirror.repository), **HTMX).text)


@pytest.mark.parametrize(
    ("rate_limit", "words"),
    [
        (
            {"limit": 100, "remaining": 76, "window": 21600.0},
            "Source's limit 76 of 100 requests left, counted over 6 h",
        ),
        ({"limit": None, "remaining": 0, "window": None, "source": None}, "Source's limit 0 requests left Timeout"),
        (
            {"limit": 100, "remaining": 0, "window": 3600.0, "source": "203.0.113.7"},
            "Source's limit 0 of 100 requests left, counted over 1 h for 203.0.113.7 Timeout",
        ),
        (None, None),
    ],
)
def test_the_sources_limit_is_shown_where_it_tells_one(
    client: Client, mirror: Mirror, rate_limit: dict[str, Any] | None, words: str | None
) -> None:
    sync = start(mirror)
    sync.succeed(message="done", rate_limit=rate_limit)

    page = text_of(fragment(client, mirror))

    assert (words or "Next sync") in page
    assert ("Source's limit" in page) == (words is not None)


def test_lists_do_not_read_the_names_of_unchanged_tags(client: Client, mirror: Mirror) -> None:
    start(mirror).succeed(message="done", unchanged_tags=["v1"], tags_unchanged=1)
    with CaptureQueriesContext(connection) as queries:
        client.get(action("history", mirror.repository), **HTMX)
        client.get(reverse("web:repositories"))
    assert not [query for query in queries if '"unchanged_tags"' in query["sql"]]


def test_a_poll_costs_as_many_queries_for_many_tags_as_for_few(client: Client, mirror: Mirror) -> None:
    sync = start(mirror)
    TagCopy.objects.create(sync=sync, tag="first", action="copied")
    with CaptureQueriesContext(connection) as few:
        fragment(client, mirror)
    TagCopy.objects.bulk_create(TagCopy(sync=sync, tag=f"v{n}", action="copied") for n in range(50))
    with CaptureQueriesContext(connection) as many:
        fragment(client, mirror)
    assert len(many) == len(few) <= 12


def test_a_fragment_opened_as_a_page_leads_to_the_tab(client: Client, mirror: Mirror) -> None:
    for name in ("status", "history"):
        assert client.get(action(name, mirror.repository)).url == tab(mirror.repository)


def test_the_history_lists_the_last_twenty(client: Client, mirror: Mirror, owner: Any) -> None:
    for number in range(21):
        sync = syncs.request_sync(mirror, by=owner if number % 2 else None)
        sync.start(worker="w", snapshot={})
        sync.succeed(message=f"Outcome number {number}.", tags_copied=number, bytes_copied=1024)
    page = client.get(action("history", mirror.repository), **HTMX).text
    assert "Outcome number 20." in page
    assert "Outcome number 0." not in page
    assert "Sync Now by owner" in page
    assert "20 copied" in page
    assert "1.0 kB" in page


@pytest.mark.parametrize("extra", [{}, HTMX], ids=["plain", "htmx"])
class TestButtons:
    """Each works without JavaScript, by a redirect, and with htmx, by a fragment; the toast is there both times."""

    def press(self, client: Client, name: str, mirror: Mirror, extra: dict[str, Any], **values: str) -> str:
        response = client.post(action(name, mirror.repository), values, **extra)
        if extra:
            assert 'hx-swap-oob="beforeend"' in response.text
            assert 'id="mirror-form"' not in response.text
            return response.text
        assert response.url == tab(mirror.repository)
        return client.get(response.url).text

    def test_sync_now_queues_a_sync(self, client: Client, mirror: Mirror, extra: dict[str, Any]) -> None:
        page = self.press(client, "sync-now", mirror, extra)
        assert "Sync scheduled successfully" in page
        assert Sync.objects.get().requested_by.username == "owner"

    def test_sync_now_is_refused_while_one_runs(self, client: Client, mirror: Mirror, extra: dict[str, Any]) -> None:
        start(mirror)
        page = self.press(client, "sync-now", mirror, extra)
        assert "Error scheduling sync: acme/app is being synced already." in page
        assert "pf-m-danger" in page
        assert Sync.objects.count() == 1

    def test_cancel_withdraws_a_queued_sync(self, client: Client, mirror: Mirror, extra: dict[str, Any]) -> None:
        syncs.request_sync(mirror)
        page = self.press(client, "cancel", mirror, extra)
        assert "Sync cancelled successfully" in page
        assert Sync.objects.get().status == "cancelled"

    def test_cancel_asks_a_running_sync_to_stop(self, client: Client, mirror: Mirror, extra: dict[str, Any]) -> None:
        start(mirror)
        page = self.press(client, "cancel", mirror, extra)
        assert "Cancelling" in page
        assert "nothing is deleted" in page
        assert Sync.objects.get().cancel_requested_at

    def test_cancel_without_a_sync_says_so(self, client: Client, mirror: Mirror, extra: dict[str, Any]) -> None:
        page = self.press(client, "cancel", mirror, extra)
        assert "Error cancelling sync: No sync of acme/app is queued or running." in page

    def test_enabled_saves_at_once(self, client: Client, mirror: Mirror, extra: dict[str, Any]) -> None:
        page = self.press(client, "enabled", mirror, extra)
        assert "Mirror disabled successfully" in page
        assert "Scheduled mirroring disabled. Immediate sync is still available via Sync Now." in page
        assert not Mirror.objects.get().is_enabled
        assert "Mirror enabled successfully" in self.press(client, "enabled", mirror, extra, is_enabled="on")
        assert Mirror.objects.get().is_enabled


def test_the_buttons_are_off_where_they_would_be_refused(client: Client, mirror: Mirror) -> None:
    def disabled(name: str) -> bool:
        page = fragment(client, mirror)
        return "disabled" in page[page.index(f'id="{name}"') :].partition(">")[0]

    assert (disabled("sync-now"), disabled("cancel-sync")) == (False, True)
    sync = syncs.request_sync(mirror)
    assert (disabled("sync-now"), disabled("cancel-sync")) == (True, False)
    sync.start(worker="w", snapshot={})
    assert (disabled("sync-now"), disabled("cancel-sync")) == (True, False)
    sync.request_cancel()
    assert disabled("cancel-sync")


def test_actions_want_a_post(client: Client, mirror: Mirror) -> None:
    for name in ("sync-now", "cancel", "enabled"):
        assert client.get(action(name, mirror.repository)).status_code == 405
    assert reverse("web:mirror-sync-now", args=("acme", "a/b/c")).endswith("/acme/a/b/c")
