"""Logs as a file: asked for with POST, fetched with GET."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core import signing
from django.utils import timezone

from mirrors.models import LogEntry, Namespace, Repository, User
from mirrors.services.logs import logs
from mirrors.services.logs.log_entries import record
from tests.api.conftest import APIClient

OF_REPOSITORY = "/api/v1/repository/acme/app/exportlogs"


def text_of(response: Any) -> str:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content).decode()


def kinds(response: Any) -> list[str]:
    return [json.loads(line)["kind"] for line in text_of(response).splitlines()]


def test_an_export_has_every_entry_of_the_period_newest_first(
    api: APIClient, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "CHUNK", 7)
    for number in range(30):
        record(f"kind_{number}", repository=repository)
    old = record("old", repository=repository)
    LogEntry.objects.filter(pk=old.pk).update(created_at=timezone.now() - timezone.timedelta(days=9))

    answer = api.post(OF_REPOSITORY, {"callback_email": "ada@example.com"}).json()
    record("later", repository=repository)

    assert answer["url"] == f"http://testserver{OF_REPOSITORY}/{answer['export_id']}"
    assert kinds(api.get(f"{OF_REPOSITORY}/{answer['export_id']}")) == [
        f"kind_{number}" for number in range(29, -1, -1)
    ]


def test_a_line_of_an_export_has_what_an_entry_holds(api: APIClient, repository: Repository, owner: User) -> None:
    entry = record("change_repo_visibility", repository=repository, performer=owner, visibility="public")
    export = api.post(OF_REPOSITORY, {}).json()["export_id"]

    response = api.get(f"{OF_REPOSITORY}/{export}")

    assert response["Content-Type"] == "application/jsonl"
    assert json.loads(text_of(response)) == {
        "datetime": f"{entry.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "kind": "change_repo_visibility",
        "namespace": "acme",
        "repository": "app",
        "performer": "owner",
        "ip": None,
        "metadata": {"namespace": "acme", "repo": "app", "visibility": "public"},
    }


def test_an_export_as_csv_opens_in_a_spreadsheet(api: APIClient, repository: Repository) -> None:
    record("delete_tag", repository=repository, tag='v1,"2"')
    export = api.send("POST", OF_REPOSITORY, content_type="").json()["export_id"]

    response = api.get(f"{OF_REPOSITORY}/{export}", format="csv")

    assert response["Content-Type"] == "text/csv"
    assert response["Content-Disposition"] == 'attachment; filename="logs.csv"'
    (row,) = csv.DictReader(io.StringIO(text_of(response)))
    assert (row["kind"], row["performer"], json.loads(row["metadata"])["tag"]) == ("delete_tag", "", 'v1,"2"')


def test_another_format_is_refused(api: APIClient, repository: Repository) -> None:
    export = api.post(OF_REPOSITORY, {}).json()["export_id"]

    assert api.get(f"{OF_REPOSITORY}/{export}", format="xml").status_code == 400


def test_organization_own_and_all_logs_can_be_exported(
    api: APIClient, make_api: Callable[..., APIClient], superuser: User, repository: Repository, owner: User
) -> None:
    record("create_repo", repository=repository)
    record("create_robot", namespace=Namespace.objects.get(user=owner))
    root = make_api(superuser, scopes=["super:user"])

    def exported(caller: APIClient, place: str) -> list[str]:
        path = f"/api/v1/{place}/exportlogs"
        export = caller.post(path, {}).json()["export_id"]
        return [kind for kind in kinds(caller.get(f"{path}/{export}")) if kind.startswith("create_r")]

    assert exported(api, "organization/acme") == ["create_repo"]
    assert exported(api, "user") == ["create_robot"]
    assert exported(root, "superuser")[:2] == ["create_robot", "create_repo"]


def test_an_export_is_itself_logged(api: APIClient, repository: Repository) -> None:
    api.post(OF_REPOSITORY, {"callback_url": "https://ada:hunter2@example.com/cb"})

    entry = LogEntry.objects.get(kind="export_logs_success")
    assert entry.repository == repository
    assert entry.metadata["url"] == "https://ada:********@example.com/cb"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"callback_url": "ftp://example.com"}, "Invalid callback URL"),
        ({"callback_email": "ada"}, "Invalid callback e-mail"),
    ],
)
def test_what_quay_refuses_is_refused(api: APIClient, repository: Repository, body: Any, text: str) -> None:
    response = api.post(OF_REPOSITORY, body)

    assert (response.status_code, response.json()["message"]) == (400, text)
    assert not LogEntry.objects.filter(kind="export_logs_success").exists()


def test_an_export_is_of_one_place_only_and_cannot_be_made_up(
    api: APIClient, stranger_api: APIClient, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = api.post(OF_REPOSITORY, {}).json()["export_id"]

    assert api.get(f"/api/v1/organization/acme/exportlogs/{export}").status_code == 404
    assert api.get(f"{OF_REPOSITORY}/{export}x").status_code == 404
    assert stranger_api.get(f"{OF_REPOSITORY}/{export}").status_code == 403
    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 3 * 24 * 3600)
    assert "two days" in api.get(f"{OF_REPOSITORY}/{export}").json()["detail"]


def test_only_administrators_export(
    member_api: APIClient,
    anonymous_api: APIClient,
    make_api: Callable[..., APIClient],
    make_user: Callable[..., User],
    repository: Repository,
) -> None:
    scopes = ["super:user", "org:admin", "repo:admin", "user:admin"]
    auditor = make_api(make_user("auditor", is_readonly_superuser=True), scopes=scopes)
    for place in ("repository/acme/app", "organization/acme", "organization/gone", "superuser"):
        assert member_api.post(f"/api/v1/{place}/exportlogs", {}).status_code == 403
        assert auditor.post(f"/api/v1/{place}/exportlogs", {}).status_code == 403
    assert auditor.post("/api/v1/user/exportlogs", {}).status_code == 200
    assert anonymous_api.post(OF_REPOSITORY, {}).status_code == 403


def test_downloads_that_nobody_reads_to_their_end_leave_threads_to_others(
    api: APIClient, repository: Repository
) -> None:
    record("delete_tag", repository=repository)
    address = api.post(OF_REPOSITORY, {}).json()["url"].removeprefix("http://testserver")
    slow = [api.get(address) for _ in range(2)]
    refused = api.get(address)
    assert (refused.status_code, refused["Retry-After"]) == (503, "30")
    for response in slow:
        assert "delete_tag" in kinds(response)
    assert "delete_tag" in kinds(api.get(address))
