"""…/mirror/progress: asked for again and again, and as a stream of events."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.http import StreamingHttpResponse
from django.utils import timezone

from mirrors.api.mirroring import progress_stream
from mirrors.api.mirroring.progress_stream import SEATS
from mirrors.models import Mirror, Sync, User
from mirrors.models.sync import Stage
from tests.api.conftest import MIRROR, APIClient

PROGRESS = f"{MIRROR}/progress"
EVENTS = f"{PROGRESS}/events"


@pytest.fixture
def sync(mirror: Mirror) -> Sync:
    """A sync that has been copying for ten seconds."""
    sync = Sync.objects.create(mirror=mirror)
    sync.start(worker="worker-1", snapshot={})
    now = timezone.now()
    Sync.objects.update(
        started_at=now - timedelta(seconds=10),
        lease_expires_at=now + settings.LEASE,
        stage=Stage.COPYING,
        tags_total=10,
        tags_copied=2,
        tags_unchanged=3,
        bytes_copied=1000,
        bytes_expected=1500,
        in_flight=[["v3", 100, 300], ["v4", 0, 200]],
    )
    sync.refresh_from_db()
    return sync


def test_a_mirror_that_never_ran_has_no_progress(api: APIClient, mirror: Mirror) -> None:
    body = api.get(PROGRESS).json()
    assert (body["is_active"], body["sync"], body["sync_status"]) == (False, None, "NEVER_RUN")
    assert (body["in_flight"], body["bytes_per_second"], body["seconds_left"]) == ([], None, None)


def test_a_running_sync_shows_its_tags_speed_and_the_time_that_is_left(api: APIClient, sync: Sync) -> None:
    body = api.get(PROGRESS).json()
    assert (body["is_active"], body["sync_status"], body["sync"]["stage"]) == (True, "SYNCING", "copying")
    assert (body["tags_done"], body["tags_waiting"]) == (5, 3)
    assert body["in_flight"] == [
        {"tag": "v3", "bytes_copied": 100, "bytes_expected": 300},
        {"tag": "v4", "bytes_copied": 0, "bytes_expected": 200},
    ]
    assert body["bytes_per_second"] == 100
    assert body["seconds_left"] == 10, "five tags took ten seconds, which is longer than 500 bytes would"


def test_what_has_ended_is_shown_with_its_end(api: APIClient, sync: Sync) -> None:
    sync.succeed(message="Tags: 10 copied.", tags_copied=10)
    body = api.get(PROGRESS).json()
    assert (body["is_active"], body["sync"]["status"], body["seconds_left"]) == (False, "succeeded", None)


def test_asking_again_costs_no_body_until_something_is_written(api: APIClient, sync: Sync) -> None:
    tag = api.get(PROGRESS)["ETag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}"):
        response = api.send("GET", PROGRESS, headers={"If-None-Match": known})
        assert (response.status_code, response.content, response["ETag"]) == (304, b"", tag)
    Sync.objects.update(bytes_copied=1100)
    response = api.send("GET", PROGRESS, headers={"If-None-Match": tag})
    assert response.status_code == 200
    assert response["ETag"] != tag


def test_progress_costs_a_handful_of_queries(
    api: APIClient, sync: Sync, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    with django_assert_max_num_queries(10):
        api.get(PROGRESS)


def test_only_those_who_may_see_the_mirror_follow_it(
    stranger_api: APIClient, anonymous_api: APIClient, make_api: Any, make_user: Callable[..., User], mirror: Mirror
) -> None:
    auditor = make_api(make_user("auditor", is_readonly_superuser=True), scopes=["repo:admin", "super:user"])
    for address in (PROGRESS, EVENTS):
        assert stranger_api.get(address).status_code == 403
        assert anonymous_api.get(address).status_code == 401
    assert auditor.get(PROGRESS).status_code == 200


class TestEvents:
    """The stream closes its database connection between two looks, so nothing may hide in a test's transaction."""

    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture(autouse=True)
    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Looks every few milliseconds; afterwards every place is free again."""
        monkeypatch.setattr(progress_stream, "PERIOD_SECONDS", 0.005)
        yield
        for _ in range(SEATS.most):
            SEATS.take()
        for _ in range(SEATS.most):
            SEATS.give_back()

    @staticmethod
    def opened(api: APIClient) -> StreamingHttpResponse:
        response = api.get(EVENTS)
        assert response.status_code == 200
        assert response["Content-Type"] == "text/event-stream"
        assert isinstance(response, StreamingHttpResponse)
        return response

    @staticmethod
    def parsed(chunk: bytes) -> tuple[str, dict[str, Any]]:
        kind, data = chunk.decode().removesuffix("\n\n").split("\n")
        return kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    def test_each_change_is_an_event_and_the_end_is_one(self, api: APIClient, sync: Sync) -> None:
        chunks = iter(self.opened(api))
        assert next(chunks) == b"retry: 3000\n\n"
        kind, first = self.parsed(next(chunks))
        assert (kind, first["tags_done"]) == ("progress", 5)
        Sync.objects.update(tags_copied=4)
        assert self.parsed(next(chunks))[1]["tags_done"] == 7
        sync.succeed(message="Tags: 10 copied.", tags_copied=10)
        kind, last = self.parsed(next(chunks))
        assert (kind, last["is_active"], last["sync"]["status"]) == ("progress", False, "succeeded")
        assert [self.parsed(chunk) for chunk in chunks] == [("end", {"reason": "idle"})]

    def test_where_nothing_runs_it_ends_at_once(self, api: APIClient, mirror: Mirror) -> None:
        chunks = list(self.opened(api))
        assert [self.parsed(chunk)[0] for chunk in chunks[1:]] == ["progress", "end"]

    def test_it_ends_with_the_mirror(self, api: APIClient, sync: Sync) -> None:
        chunks = iter(self.opened(api))
        assert [next(chunks), self.parsed(next(chunks))[0]] == [b"retry: 3000\n\n", "progress"]
        Mirror.objects.all().delete()
        assert [self.parsed(chunk) for chunk in chunks] == [("end", {"reason": "gone"})]

    def test_it_says_now_and_then_that_it_is_there_and_ends_after_a_while(
        self, api: APIClient, sync: Sync, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(progress_stream, "SILENCE_SECONDS", 0.0)
        monkeypatch.setattr(progress_stream, "LONGEST_SECONDS", 0.2)
        chunks = list(self.opened(api))
        assert b": still here\n\n" in chunks
        assert self.parsed(chunks[-1]) == ("end", {"reason": "time"})

    def test_no_database_connection_is_held_between_two_events(self, api: APIClient, sync: Sync) -> None:
        stream = self.opened(api)
        chunks = iter(stream)
        assert [next(chunks), self.parsed(next(chunks))[0]] == [b"retry: 3000\n\n", "progress"]
        assert connection.connection is None
        stream.close()

    def test_so_many_streams_and_no_more(self, api: APIClient, sync: Sync) -> None:
        streams = [self.opened(api) for _ in range(SEATS.most)]
        response = api.get(EVENTS)
        assert (response.status_code, response["Retry-After"]) == (503, "10")
        assert "streams of progress are under way already" in response.json()["message"]
        streams[0].close()
        self.opened(api).close()
        assert api.get(PROGRESS).status_code == 200, "asking is always possible"
        for stream in streams:
            stream.close()

    def test_a_client_that_leaves_in_the_middle_frees_its_place(self, api: APIClient, sync: Sync) -> None:
        for _ in range(2 * SEATS.most):
            stream = self.opened(api)
            next(iter(stream))
            stream.close()

    def test_places_are_counted_right_by_many_threads(self) -> None:
        refused = []

        def sit() -> None:
            try:
                with SEATS.taken():
                    gate.wait(5)
            except Exception as error:  # whatever it is, the test below says so
                refused.append(error)

        gate = threading.Event()
        threads = [threading.Thread(target=sit) for _ in range(SEATS.most + 3)]
        for thread in threads:
            thread.start()
        while len(refused) < 3:
            gate.wait(0.01)
        gate.set()
        for thread in threads:
            thread.join()
        assert [type(error).__name__ for error in refused] == ["Busy"] * 3
