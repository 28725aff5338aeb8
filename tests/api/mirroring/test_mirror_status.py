"""What GET …/mirror says of the syncs, and the two commands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from mirrors.models import LogEntry, Mirror, Repository, Sync
from mirrors.models.sync import Status, Trigger
from mirrors.oci.errors import Code, Side
from tests.api.conftest import BODY, MIRROR, APIClient

SOON = timezone.now() + timedelta(minutes=5)


def queued(mirror: Mirror, trigger: Trigger, **values: Any) -> Sync:
    return Sync.objects.create(mirror=mirror, trigger=trigger, **values)


def running(mirror: Mirror, trigger: Trigger = Trigger.SCHEDULE, **values: Any) -> Sync:
    sync = queued(mirror, trigger, **values)
    assert sync.start(worker="worker-1", snapshot={})
    return sync


def failed(mirror: Mirror, *, attempt: int = 1) -> Sync:
    sync = running(mirror, attempt=attempt)
    sync.fail(code=Code.AUTH_FAILED, side=Side.SOURCE, message="registry.example.com refused the credentials.")
    return sync


def status(api: APIClient) -> tuple[str, int]:
    body = api.get(MIRROR).json()
    return body["sync_status"], body["sync_retries_remaining"]


def test_a_mirror_that_only_waits_for_its_first_sync_never_ran(api: APIClient, mirror: Mirror) -> None:
    assert status(api) == ("NEVER_RUN", 3)
    queued(mirror, Trigger.SCHEDULE)
    assert status(api) == ("NEVER_RUN", 3)


def test_a_sync_somebody_asked_for_waits(api: APIClient, mirror: Mirror) -> None:
    failed(mirror)
    queued(mirror, Trigger.MANUAL, priority=Sync.MANUAL_PRIORITY)
    assert status(api) == ("SYNC_NOW", 3)


def test_a_running_sync_shows_its_lease(api: APIClient, mirror: Mirror) -> None:
    sync = running(mirror)
    sync.refresh_from_db()
    body = api.get(MIRROR).json()
    assert sync.lease_expires_at
    assert body["sync_status"] == "SYNCING"
    assert body["sync_expiration_date"] == sync.lease_expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_sync_the_schedule_queued_leaves_the_last_word(api: APIClient, mirror: Mirror) -> None:
    running(mirror).succeed(message="All is well.")
    queued(mirror, Trigger.SCHEDULE)
    assert status(api) == ("SUCCESS", 3)


@pytest.mark.parametrize("trigger", [Trigger.RETRY, Trigger.RECOVERY])
def test_waiting_for_the_next_attempt_is_a_failure_with_retries_left(
    api: APIClient, mirror: Mirror, trigger: Trigger
) -> None:
    failed(mirror)
    queued(mirror, trigger, attempt=2, available_at=SOON)
    assert status(api) == ("FAIL", 2)


def test_a_failure_after_the_last_attempt_starts_with_all_retries_again(api: APIClient, mirror: Mirror) -> None:
    failed(mirror, attempt=3)
    assert status(api) == ("FAIL", 3)


def test_a_lost_sync_is_a_failure(api: APIClient, mirror: Mirror) -> None:
    sync = running(mirror)
    Sync.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert sync.lose(at=timezone.now(), message="Worker worker-1 stopped renewing its lease.")
    body = api.get(MIRROR).json()
    assert body["sync_status"] == "FAIL"
    assert body["last_error"]["code"] == "lost"
    assert body["last_error"]["side"] is None


def test_the_last_error_names_code_and_side(api: APIClient, mirror: Mirror) -> None:
    sync = failed(mirror)
    assert sync.finished_at
    assert api.get(MIRROR).json()["last_error"] == {
        "code": "auth_failed",
        "side": "source",
        "message": "registry.example.com refused the credentials.",
        "at": sync.finished_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def test_sync_now_queues_one_sync_however_often_it_is_asked(api: APIClient, mirror: Mirror, rung: list[int]) -> None:
    for body in ("", "{}"):
        response = api.send("POST", f"{MIRROR}/sync-now", body, content_type="" if not body else "application/json")
        assert (response.status_code, response.content) == (204, b"")
    sync = Sync.objects.get()
    assert (sync.trigger, sync.status, sync.requested_by.username) == (Trigger.MANUAL, Status.QUEUED, "owner")
    assert sync.pk in rung
    assert status(api) == ("SYNC_NOW", 3)


def test_sync_now_works_while_the_mirror_is_disabled(api: APIClient, mirror: Mirror, rung: list[int]) -> None:
    api.put(MIRROR, {"is_enabled": False})
    assert api.post(f"{MIRROR}/sync-now").status_code == 204
    assert status(api) == ("SYNC_NOW", 3)


def test_sync_now_while_syncing_is_not_found(api: APIClient, mirror: Mirror) -> None:
    running(mirror)
    response = api.post(f"{MIRROR}/sync-now")
    assert (response.status_code, response.json()["error_type"]) == (404, "not_found")
    assert "message" not in response.json()


def test_cancelling_a_queued_sync_ends_it_without_retries(api: APIClient, mirror: Mirror, rung: list[int]) -> None:
    api.post(f"{MIRROR}/sync-now")
    assert api.post(f"{MIRROR}/sync-cancel").status_code == 204
    body = api.get(MIRROR).json()
    assert (body["sync_status"], body["sync_retries_remaining"]) == ("CANCEL", 0)
    assert body["sync_expiration_date"] is None
    assert body["last_error"] is None


def test_the_start_date_is_the_next_due_time_and_keeps_its_phase(
    api: APIClient, mirror: Mirror, rung: list[int]
) -> None:
    start, interval = "2020-01-02T06:30:00Z", mirror.sync_interval
    api.put(MIRROR, {"sync_start_date": start})
    assert api.get(MIRROR).json()["sync_start_date"] == start
    api.post(f"{MIRROR}/sync-now")
    api.post(f"{MIRROR}/sync-cancel")
    due = datetime.fromisoformat(api.get(MIRROR).json()["sync_start_date"])
    assert timezone.now() < due <= timezone.now() + timedelta(seconds=interval)
    assert (due - datetime.fromisoformat(start)).total_seconds() % interval == 0


def test_cancelling_a_running_sync_shows_at_once(api: APIClient, mirror: Mirror) -> None:
    sync = running(mirror)
    assert api.post(f"{MIRROR}/sync-cancel").status_code == 204
    sync.refresh_from_db()
    assert sync.cancel_requested_at
    body = api.get(MIRROR).json()
    assert (body["sync_status"], body["sync_expiration_date"]) == ("CANCEL", None)


@pytest.mark.parametrize("end", ["never ran", "failed"])
def test_cancelling_nothing_is_not_found(api: APIClient, mirror: Mirror, end: str) -> None:
    if end == "failed":
        failed(mirror)
    response = api.post(f"{MIRROR}/sync-cancel")
    assert (response.status_code, response.json()["error_type"]) == (404, "not_found")


def test_cancelling_twice_is_not_found_while_the_worker_still_stops(api: APIClient, mirror: Mirror) -> None:
    running(mirror)
    assert api.post(f"{MIRROR}/sync-cancel").status_code == 204
    response = api.post(f"{MIRROR}/sync-cancel")
    assert (response.status_code, response.json()["error_type"]) == (404, "not_found")
    assert "being cancelled already" in response.json()["detail"]
    assert LogEntry.objects.filter(metadata__to="SYNC_CANCEL").count() == 1


@pytest.mark.parametrize("command", ["sync-now", "sync-cancel"])
def test_commands_without_a_mirror_are_not_found(api: APIClient, repository: Repository, command: str) -> None:
    assert api.post(f"{MIRROR}/{command}").status_code == 404
    assert api.post(f"/api/v1/repository/acme/missing/mirror/{command}").status_code == 404


def test_a_user_name_that_cannot_be_decrypted_is_said_so(api: APIClient, mirror: Mirror) -> None:
    broken = "gAAAAABmnot-ours"
    Mirror.objects.update(source_username_ciphertext=broken, http_proxy_ciphertext=broken)
    body = api.get(MIRROR).json()
    assert body["external_registry_username"] == "(invalid. please re-enter)"
    assert body["external_registry_config"]["proxy"]["http_proxy"] == "(invalid. please re-enter)"


def test_a_proxys_password_is_masked_and_kept_when_it_comes_back_masked(
    api: APIClient, repository: Repository, mirror: Mirror
) -> None:
    secret = "http://user:proxy-password-9Lm3@proxy:3128"
    api.put(MIRROR, {"external_registry_config": {"proxy": {"http_proxy": secret}}})
    response = api.get(MIRROR)
    assert "proxy-password-9Lm3" not in response.content.decode()
    config = response.json()["external_registry_config"]
    assert config["proxy"]["http_proxy"] == "http://user:********@proxy:3128"
    config["proxy"]["no_proxy"] = "localhost"
    assert api.put(MIRROR, {"external_registry_config": config}).status_code == 201
    stored = Mirror.objects.get()
    assert (stored.http_proxy, stored.no_proxy) == (secret, "localhost")


def test_a_mirror_without_proxies_shows_none(api: APIClient, mirror: Mirror) -> None:
    assert api.get(MIRROR).json()["external_registry_config"] == {}
    assert set(api.get(MIRROR).json()) >= set(BODY) - {"external_registry_password"}


def test_a_repository_without_a_mirror_has_none_to_show(api: APIClient, repository: Repository) -> None:
    response = api.get(MIRROR)
    assert (response.status_code, response.json()["error_type"]) == (404, "not_found")
    assert response.json()["detail"] == "acme/app is not mirrored."


def test_the_mirror_of_a_missing_repository_is_not_found(api: APIClient) -> None:
    response = api.get("/api/v1/repository/acme/missing/mirror")
    assert (response.status_code, response.json()["error_type"]) == (404, "not_found")


def test_a_queued_restore_leaves_the_last_word(api: APIClient, mirror: Mirror) -> None:
    running(mirror).succeed(message="All is well.")
    restores = {"tag": "v1", "target_digest": "sha256:1", "source_digest": "sha256:1"}
    queued(mirror, Trigger.RESTORE, restores=restores)
    assert status(api) == ("SUCCESS", 3)
    Sync.objects.filter(restores__isnull=False).update(trigger=Trigger.RETRY, attempt=2)
    assert status(api)[0] == "SUCCESS"
