"""Usage logs of a repository, an organization, the caller and the whole farm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mirrors.models import LogEntry, Namespace, Repository, Robot, User
from mirrors.services.logs.log_entries import acting, record
from tests.api.conftest import MIRROR, APIClient

OF_REPOSITORY = "/api/v1/repository/acme/app/logs"
OF_ORGANIZATION = "/api/v1/organization/acme/logs"
OF_TOKENS = "create_oauth_api_token"  # which every client here begins with
EVERYWHERE = ["super:user", "org:admin", "repo:admin", "user:admin"]


def kinds(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [entry["kind"] for entry in response.json()["logs"] if entry["kind"] != OF_TOKENS]


@pytest.fixture
def other(organization: Namespace) -> Repository:
    """Another repository of the organization."""
    return Repository.objects.create(namespace=organization, name="other")


def test_the_log_of_a_repository_has_its_own_entries_newest_first(
    api: APIClient, repository: Repository, other: Repository
) -> None:
    record("create_repo", repository=repository)
    record("create_repo", repository=other)
    record("change_repo_state", repository=repository)

    assert kinds(api.get(OF_REPOSITORY)) == ["change_repo_state", "create_repo"]
    assert kinds(api.get(f"{OF_REPOSITORY}/")) == ["change_repo_state", "create_repo"]


def test_an_entry_has_quays_keys_and_dates(api: APIClient, repository: Repository, owner: User) -> None:
    with acting(owner, ip="192.0.2.7"):
        entry = record("change_repo_visibility", repository=repository, visibility="public")
    LogEntry.objects.filter(pk=entry.pk).update(created_at=timezone.now().replace(microsecond=0))
    entry.refresh_from_db()

    body = api.get(OF_REPOSITORY).json()

    assert set(body) == {"start_time", "end_time", "logs"}
    (shown,) = body["logs"]
    assert shown["kind"] == "change_repo_visibility"
    assert shown["metadata"] == {"namespace": "acme", "repo": "app", "visibility": "public"}
    assert shown["ip"] == "192.0.2.7"
    assert shown["datetime"] == f"{entry.created_at:%a, %d %b %Y %H:%M:%S} -0000"
    assert (shown["performer"]["name"], shown["performer"]["kind"]) == ("owner", "user")
    assert shown["performer"]["is_robot"] is False


def test_what_a_robot_did_says_so_and_what_the_farm_did_has_no_performer(
    api: APIClient, repository: Repository, robot: Robot
) -> None:
    record("repo_mirror_sync_started", repository=repository, performer=robot)
    record("delete_tag", repository=repository)

    by_farm, by_robot = api.get(OF_REPOSITORY).json()["logs"]

    assert "performer" not in by_farm
    assert (by_robot["performer"]["name"], by_robot["performer"]["is_robot"]) == ("acme+mirror", True)


def test_a_call_of_the_api_leaves_its_caller_address_and_program_in_the_log(mirrored: APIClient) -> None:
    mirrored.post(f"{MIRROR}/sync-now", {})

    entry = mirrored.get(OF_REPOSITORY).json()["logs"][0]

    assert entry["kind"] == "repo_mirror_config_changed"
    assert (entry["metadata"]["changed"], entry["metadata"]["to"]) == ("sync_status", "SYNC_NOW")
    assert (entry["performer"]["name"], entry["ip"]) == ("owner", "127.0.0.1")
    assert (entry["metadata"]["kind"], entry["metadata"]["username"]) == ("oauth", "owner")


def test_pages_hold_twenty_and_the_last_has_no_next_page(api: APIClient, repository: Repository) -> None:
    for number in range(45):
        record(f"kind_{number}", repository=repository)

    first = api.get(OF_REPOSITORY).json()
    second = api.get(OF_REPOSITORY, next_page=first["next_page"]).json()
    record("later", repository=repository)
    third = api.get(OF_REPOSITORY, next_page=second["next_page"]).json()

    numbers = [[int(entry["kind"].removeprefix("kind_")) for entry in page["logs"]] for page in (first, second, third)]
    assert numbers == [list(range(44, 24, -1)), list(range(24, 4, -1)), list(range(4, -1, -1))]
    assert "next_page" not in third


def test_exactly_twenty_are_one_page(api: APIClient, repository: Repository) -> None:
    for number in range(20):
        record(f"kind_{number}", repository=repository)

    assert "next_page" not in api.get(OF_REPOSITORY).json()


def test_a_next_page_of_another_log_is_refused(api: APIClient, repository: Repository) -> None:
    for number in range(21):
        record(f"kind_{number}", repository=repository)
    token = api.get(OF_REPOSITORY).json()["next_page"]

    response = api.get(OF_ORGANIZATION, next_page=token)

    assert response.status_code == 400
    assert response.json()["error_type"] == "invalid_request"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, ["now", "hours ago"]),
        ({"starttime": "nonsense", "endtime": "2020-01-01"}, ["now", "hours ago"]),
        ({"starttime": "01/01/2020"}, ["now", "hours ago", "days ago", "then"]),
        ({"starttime": "02/02/2020", "endtime": "02/02/2020"}, ["then"]),
        ({"starttime": "02/03/2020", "endtime": "02/04/2020"}, []),
        ({"starttime": "01/01/0001", "endtime": "12/31/9999"}, ["now", "hours ago", "days ago", "then"]),
    ],
)
def test_the_period_is_read_as_quay_reads_it(
    api: APIClient, repository: Repository, query: dict[str, str], wanted: list[str]
) -> None:
    now = timezone.now()
    moments = {
        "then": datetime(2020, 2, 2, 23, 59, tzinfo=UTC),
        "days ago": now - timedelta(days=3),
        "hours ago": now - timedelta(hours=20),
        "now": now,
    }
    for kind, moment in moments.items():
        entry = record(kind, repository=repository)
        LogEntry.objects.filter(pk=entry.pk).update(created_at=moment)

    assert kinds(api.get(OF_REPOSITORY, **query)) == wanted


def test_a_period_that_ends_before_it_begins_is_refused(api: APIClient, repository: Repository) -> None:
    response = api.get(OF_REPOSITORY, starttime="02/03/2020", endtime="02/01/2020")

    assert response.status_code == 400
    assert "starttime" in response.json()["detail"]


def test_the_log_of_an_organization_has_what_happened_to_it_and_to_all_its_repositories(
    api: APIClient, organization: Namespace, repository: Repository, other: Repository
) -> None:
    record("org_create", namespace=organization)
    record("create_repo", repository=repository)
    record("delete_repo", repository=other)
    other.delete()

    response = api.get(OF_ORGANIZATION)

    assert kinds(response) == ["delete_repo", "create_repo", "org_create"]
    assert response.json()["logs"][0]["metadata"] == {"namespace": "acme", "repo": "other"}


def test_the_performer_narrows_the_log_of_an_organization_and_not_of_a_repository(
    api: APIClient, repository: Repository, owner: User, robot: Robot
) -> None:
    record("by_owner", repository=repository, performer=owner)
    record("by_robot", repository=repository, performer=robot)

    assert kinds(api.get(OF_ORGANIZATION, performer="acme+mirror")) == ["by_robot"]
    assert kinds(api.get(OF_ORGANIZATION, performer="nobody")) == []
    assert kinds(api.get(OF_ORGANIZATION, performer="a\0b")) == []
    assert kinds(api.get(OF_REPOSITORY, performer="nobody")) == ["by_robot", "by_owner"]


def test_ones_own_log_has_ones_own_namespace_and_sign_ins_and_nothing_of_organizations(
    api: APIClient, repository: Repository, owner: User, stranger: User
) -> None:
    record("create_repo", repository=repository, performer=owner)
    record("create_robot", namespace=Namespace.objects.get(user=owner), performer=owner)
    record("login_success", performer=owner)
    record("login_success", performer=stranger)

    assert kinds(api.get("/api/v1/user/logs")) == ["login_success", "create_robot"]


def test_a_superuser_sees_everything_with_the_namespace_it_happened_in(
    make_api: Callable[..., APIClient], superuser: User, repository: Repository, owner: User
) -> None:
    record("create_repo", repository=repository)
    record("create_robot", namespace=Namespace.objects.get(user=owner))
    record("org_delete", namespace=repository.namespace)
    repository.namespace.delete()

    everything = make_api(superuser, scopes=EVERYWHERE).get("/api/v1/superuser/logs").json()["logs"]

    shown = [(entry["kind"], entry["namespace"]["name"], entry["namespace"]["kind"]) for entry in everything]
    wanted = [("org_delete", "acme", "org"), ("create_robot", "owner", "user"), ("create_repo", "acme", "org")]
    assert [entry for entry in shown if entry[0] != OF_TOKENS] == wanted


def test_days_are_counted_by_kind(api: APIClient, repository: Repository) -> None:
    for moment, kind in (("2020-02-01T23:59", "a"), ("2020-02-02T00:00", "a"), ("2020-02-02T12:00", "a")):
        entry = record(kind, repository=repository)
        LogEntry.objects.filter(pk=entry.pk).update(created_at=f"{moment}:00+00:00")
    period = {"starttime": "02/01/2020", "endtime": "02/02/2020"}
    wanted = [
        {"kind": "a", "count": 2, "datetime": "Sun, 02 Feb 2020 00:00:00 -0000"},
        {"kind": "a", "count": 1, "datetime": "Sat, 01 Feb 2020 00:00:00 -0000"},
    ]

    for place in ("repository/acme/app", "organization/acme"):
        assert api.get(f"/api/v1/{place}/aggregatelogs", **period).json() == {"aggregated": wanted}
    assert api.get("/api/v1/user/aggregatelogs", **period).json() == {"aggregated": []}


def test_the_whole_farm_is_counted_for_superusers(
    make_api: Callable[..., APIClient], superuser: User, repository: Repository
) -> None:
    record("a", repository=repository)

    counted = make_api(superuser, scopes=EVERYWHERE).get("/api/v1/superuser/aggregatelogs").json()["aggregated"]

    assert ("a", 1) in [(row["kind"], row["count"]) for row in counted]


@pytest.mark.parametrize("path", ["logs", "aggregatelogs"])
def test_who_may_read_the_logs(
    path: str,
    api: APIClient,
    member_api: APIClient,
    stranger_api: APIClient,
    anonymous_api: APIClient,
    make_api: Callable[..., APIClient],
    make_user: Callable[..., User],
    repository: Repository,
) -> None:
    auditor = make_api(make_user("auditor", is_readonly_superuser=True), scopes=EVERYWHERE)
    callers = (api, auditor, member_api, stranger_api, anonymous_api)

    def statuses(place: str) -> list[int]:
        return [caller.get(f"/api/v1/{place}/{path}").status_code for caller in callers]

    assert statuses("repository/acme/app") == [200, 200, 403, 403, 401]
    assert statuses("repository/acme/gone") == [404, 404, 403, 403, 401]
    assert statuses("organization/acme") == [200, 200, 403, 403, 401]
    assert statuses("organization/gone") == [403, 404, 403, 403, 401]
    assert statuses("user") == [200, 200, 200, 200, 401]
    assert statuses("superuser") == [403, 200, 403, 403, 401]


def test_a_token_needs_the_scope(make_api: Callable[..., APIClient], owner: User, repository: Repository) -> None:
    reader = make_api(owner, scopes=["repo:read"])

    for place in ("repository/acme/app", "organization/acme", "user", "superuser"):
        assert reader.get(f"/api/v1/{place}/logs").status_code == 403


@pytest.mark.parametrize("path", [OF_REPOSITORY, OF_ORGANIZATION, "/api/v1/superuser/logs"])
def test_a_page_costs_the_same_queries_for_any_number_of_entries(
    path: str, make_api: Callable[..., APIClient], superuser: User, repository: Repository
) -> None:
    api = make_api(superuser, scopes=EVERYWHERE)
    api.get(path)  # the token's first use of a minute is written down
    counts = []
    for number in (2, 20):
        for _ in range(number):
            record("create_repo", repository=repository, performer=superuser)
        with CaptureQueriesContext(connection) as queries:
            assert api.get(path).status_code == 200
        counts.append(len(queries))

    assert counts[0] == counts[1]
