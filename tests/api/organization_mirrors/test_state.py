"""GET …/mirror, …/mirror/sync-now, sync-cancel and repositories: how an organization mirror is doing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mirrors.models import DiscoveredRepository, LogEntry, Mirror, OrganizationMirror, Sync
from mirrors.models.sync import Status, Trigger
from mirrors.services.mirroring.mirror_phases import Phase, with_phase
from mirrors.services.mirroring.mirror_status import status_of
from tests.api.conftest import APIClient
from tests.api.organization_mirrors.bodies import BODY, PASSWORD, URL

pytestmark = pytest.mark.django_db

Discover = Callable[..., DiscoveredRepository]
ZERO = dict.fromkeys(("CANCEL", "FAIL", "NEVER_RUN", "SUCCESS", "SYNCING", "SYNC_NOW", "SKIP"), 0)


def _set(**values: Any) -> None:
    OrganizationMirror.objects.update(**values)


def test_without_a_mirror_everything_is_404(api: APIClient) -> None:
    assert api.get(URL).status_code == 404
    assert api.get(f"{URL}/repositories").status_code == 404
    for call in ("sync-now", "sync-cancel", "verify"):
        response = api.send("POST", f"{URL}/{call}", content_type="")
        assert response.status_code == 404
        assert response.json()["error_type"] == "not_found"


def test_nobody_without_the_right_may_see_or_do_anything(
    mirrored: APIClient, member_api: APIClient, stranger_api: APIClient, anonymous_api: APIClient
) -> None:
    for client, status in ((member_api, 403), (stranger_api, 403), (anonymous_api, 401)):
        assert client.get(URL).status_code == status
        assert client.get(f"{URL}/repositories").status_code == status
    for call in ("sync-now", "sync-cancel", "verify"):
        assert member_api.send("POST", f"{URL}/{call}").status_code == 403


def test_the_answer_says_that_discovery_is_not_running(mirrored: APIClient) -> None:
    assert "Discovery is not running" in mirrored.get(URL).json()["discovery_note"]


def test_whether_a_password_is_stored_is_told(mirrored: APIClient) -> None:
    assert mirrored.get(URL).json()["has_external_registry_password"] is False
    mirrored.put(URL, {"external_registry_password": PASSWORD})
    assert mirrored.get(URL).json()["has_external_registry_password"] is True


def test_credentials_that_cannot_be_decrypted_are_asked_for_again(mirrored: APIClient) -> None:
    _set(source_username_ciphertext="broken", registry_config_ciphertext="broken")

    shown = mirrored.get(URL).json()

    assert shown["external_registry_username"] == "(invalid. please re-enter)"
    assert shown["external_registry_config"] == {}


def test_both_slash_forms_answer(mirrored: APIClient) -> None:
    assert mirrored.get(f"{URL}/").json() == mirrored.get(URL).json()


def test_a_sync_is_asked_for_and_stored(mirrored: APIClient) -> None:
    _set(attempts_left=0)
    before = timezone.now().replace(microsecond=0)

    response = mirrored.send("POST", f"{URL}/sync-now", content_type="")

    assert (response.status_code, response.content) == (204, b"")
    stored = OrganizationMirror.objects.get()
    assert stored.next_discovery_at is not None
    assert stored.next_discovery_at >= before
    shown = mirrored.get(URL).json()
    assert (shown["sync_status"], shown["sync_retries_remaining"]) == ("SYNC_NOW", 1)
    assert shown["sync_expiration_date"] is None
    assert LogEntry.objects.get(kind="org_mirror_sync_now_requested").metadata["external_reference"]


def test_a_sync_is_refused_while_discovery_is_running(mirrored: APIClient) -> None:
    _set(status="running", lease_expires_at=timezone.now())

    response = mirrored.post(f"{URL}/sync-now", {})

    assert response.status_code == 400
    assert "discovery is currently in progress" in response.json()["detail"]
    shown = mirrored.get(URL).json()
    assert shown["sync_status"] == "SYNCING"
    assert shown["sync_expiration_date"] is not None


@pytest.mark.parametrize(
    ("status", "trigger"),
    [
        (None, None),
        (Status.RUNNING, None),
        (None, Trigger.MANUAL),
        (Status.FAILED, Trigger.RETRY),
        (Status.LOST, Trigger.RECOVERY),
    ],
    ids=["never run", "syncing", "asked for", "to be tried again", "to be recovered"],
)
def test_a_sync_is_refused_while_repositories_have_not_come_to_an_end(
    mirrored: APIClient, discover: Discover, status: Status | None, trigger: Trigger | None
) -> None:
    discover("done", status=Status.SUCCEEDED)
    discover("app", status=status, trigger=trigger)

    response = mirrored.send("POST", f"{URL}/sync-now")

    assert response.status_code == 400
    assert "repositories are still syncing. Cancel the current sync" in response.json()["detail"]
    assert mirrored.get(URL).json()["sync_status"] == "NEVER_RUN"


def test_a_sync_is_accepted_when_every_repository_has_come_to_an_end(mirrored: APIClient, discover: Discover) -> None:
    for status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED):
        discover(status.value, status=status)
    discover("gone", is_skipped=True)

    assert mirrored.send("POST", f"{URL}/sync-now").status_code == 204


@pytest.mark.parametrize("status", ["never_run", "requested", "running", "succeeded", "failed"])
def test_a_cancel_is_accepted_in_any_state_and_keeps_the_start(mirrored: APIClient, status: str) -> None:
    _set(status=status)

    response = mirrored.send("POST", f"{URL}/sync-cancel", content_type="")

    assert response.status_code == 204
    shown = mirrored.get(URL).json()
    assert (shown["sync_status"], shown["sync_retries_remaining"]) == ("CANCEL", 0)
    assert shown["sync_start_date"] == BODY["sync_start_date"]
    assert LogEntry.objects.get(kind="org_mirror_sync_cancelled").metadata["external_reference"]


def test_a_second_cancel_is_refused(mirrored: APIClient) -> None:
    mirrored.send("POST", f"{URL}/sync-cancel")

    response = mirrored.send("POST", f"{URL}/sync-cancel")

    assert response.status_code == 400
    assert response.json()["detail"] == "Cannot cancel: mirror is already cancelled"


def test_all_seven_counts_are_zero_where_nothing_was_discovered(mirrored: APIClient) -> None:
    assert mirrored.get(URL).json()["repo_sync_status_counts"] == ZERO


def _discover_one_of_each(discover: Discover) -> None:
    discover("a-never")
    discover("b-success", status=Status.SUCCEEDED)
    discover("c-fail", status=Status.FAILED)
    discover("d-lost", status=Status.LOST)
    discover("e-retry", status=Status.FAILED, trigger=Trigger.RETRY)
    discover("f-cancel", status=Status.CANCELLED)
    discover("g-syncing", status=Status.RUNNING)
    discover("h-now", trigger=Trigger.MANUAL)
    discover("i-skip", is_skipped=True, message="Repository excluded by filters")
    discover("j-due", status=Status.SUCCEEDED, trigger=Trigger.SCHEDULE)


def test_repositories_are_counted_by_their_status(mirrored: APIClient, discover: Discover) -> None:
    _discover_one_of_each(discover)

    assert mirrored.get(URL).json()["repo_sync_status_counts"] == {
        "NEVER_RUN": 1,
        "SUCCESS": 2,
        "FAIL": 3,
        "CANCEL": 1,
        "SYNCING": 1,
        "SYNC_NOW": 1,
        "SKIP": 1,
    }


def test_repositories_are_listed_by_name_with_what_became_of_them(mirrored: APIClient, discover: Discover) -> None:
    _discover_one_of_each(discover)

    body = mirrored.get(f"{URL}/repositories").json()

    assert [row["name"][2:] for row in body["repositories"]] == [
        "never", "success", "fail", "lost", "retry", "cancel", "syncing", "now", "skip", "due",
    ]  # fmt: skip
    rows = {row["name"][2:]: row for row in body["repositories"]}
    assert (
        rows["never"]["quay_repository"] is rows["never"]["last_sync_date"] is rows["never"]["status_message"] is None
    )
    assert rows["success"]["quay_repository"] == "acme/b-success"
    assert rows["success"]["last_sync_date"]
    assert rows["success"]["status_message"] is None
    assert rows["fail"]["status_message"] == "What became of c-fail."
    assert rows["skip"]["status_message"] == "Repository excluded by filters"
    assert (body["page"], body["limit"], body["total"], body["has_next"]) == (1, 100, 10, False)


@pytest.mark.parametrize(
    ("word", "names"),
    [("SUCCESS", ["b-success", "j-due"]), ("fail", ["c-fail", "d-lost", "e-retry"]), ("Skip", ["i-skip"])],
)
def test_the_list_is_narrowed_to_one_status_in_any_case(
    mirrored: APIClient, discover: Discover, word: str, names: list[str]
) -> None:
    _discover_one_of_each(discover)

    body = mirrored.get(f"{URL}/repositories", status=word).json()

    assert [row["name"] for row in body["repositories"]] == names
    assert body["total"] == len(names)


def test_an_unknown_status_is_refused_with_those_there_are(mirrored: APIClient) -> None:
    response = mirrored.get(f"{URL}/repositories", status="BROKEN")

    assert response.status_code == 400
    for word in ZERO:
        assert word in response.json()["detail"]


def test_the_list_is_read_page_by_page(mirrored: APIClient, discover: Discover) -> None:
    for number in range(5):
        discover(f"app-{number}")

    pages = [mirrored.get(f"{URL}/repositories", limit=2, page=page).json() for page in (1, 2, 3, 4)]

    assert [[row["name"] for row in page["repositories"]] for page in pages] == [
        ["app-0", "app-1"],
        ["app-2", "app-3"],
        ["app-4"],
        [],
    ]
    assert [page["has_next"] for page in pages] == [True, True, False, False]


@pytest.mark.parametrize(
    ("query", "page", "limit"),
    [
        ({"page": "0", "limit": "0"}, 1, 100),
        ({"page": "-3", "limit": "-1"}, 1, 100),
        ({"page": "x", "limit": "1.5"}, 1, 100),
        ({"limit": "501"}, 1, 500),
        ({"limit": "9" * 40, "page": "9" * 40}, 10**12, 500),
    ],
)
def test_a_page_that_cannot_be_read_counts_as_the_default(
    mirrored: APIClient, query: dict[str, str], page: int, limit: int
) -> None:
    body = mirrored.get(f"{URL}/repositories", **query).json()

    assert (body["page"], body["limit"]) == (page, limit)


def test_the_number_of_queries_does_not_grow_with_the_repositories(mirrored: APIClient, discover: Discover) -> None:
    counts = []
    for number in range(12):
        discover(f"app-{number}", status=Status.SUCCEEDED)
        if number in (1, 11):
            with CaptureQueriesContext(connection) as queries:
                mirrored.get(URL)
                mirrored.get(f"{URL}/repositories")
            counts.append(len(queries))

    assert counts[0] == counts[1]


def test_the_phase_of_a_query_and_the_state_of_a_row_say_the_same(discover: Discover, mirror: Mirror) -> None:
    _discover_one_of_each(discover)
    words = {
        Phase.NEVER_RUN: "scheduled",
        Phase.REQUESTED: "queued",
        Phase.LOST: "failed",
    }
    rows = dict(with_phase(Mirror.objects.select_related("repository")).values_list("pk", "phase"))
    queued = set(Sync.objects.filter(trigger=Trigger.SCHEDULE, status=Status.QUEUED).values_list("mirror", flat=True))

    assert set(rows.values()) == {*Phase} - {Phase.SKIPPED}  # mirror has never run
    for pk in rows.keys() - queued:
        phase = Phase(rows[pk])
        assert status_of(Mirror.objects.get(pk=pk)).state == words.get(phase, phase)
