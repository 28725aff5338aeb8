"""DELETE …/mirror, which Quay does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirrors.models import LogEntry, Mirror, Repository, Sync
from mirrors.models.sync import Trigger
from mirrors.sample.images import small_image
from mirrors.services.syncs import connections, sync_runs
from mirrors.services.syncs.heartbeat import Heartbeat, Verdict
from mirrors.services.syncs.sync_records import SyncRecords
from tests.api.conftest import BODY, MIRROR, APIClient
from tests.registry import FaultyRegistry


def test_the_repository_is_normal_again_and_can_be_mirrored_anew(mirrored: APIClient, repository: Repository) -> None:
    response = mirrored.send("DELETE", MIRROR)
    assert (response.status_code, response.content) == (204, b"")
    repository.refresh_from_db()
    assert repository.state == Repository.State.NORMAL
    assert mirrored.get(MIRROR).status_code == 404
    assert mirrored.post(MIRROR, BODY).status_code == 201


def test_a_second_removal_is_not_found(mirrored: APIClient) -> None:
    mirrored.send("DELETE", MIRROR)
    response = mirrored.send("DELETE", MIRROR)
    assert (response.status_code, response.json()["error_type"]) == (404, "not_found")


def test_only_administrators_may_remove_it(stranger_api: APIClient, member_api: APIClient, mirror: Mirror) -> None:
    for client in (stranger_api, member_api):
        assert client.send("DELETE", MIRROR).status_code == 403
    assert Mirror.objects.exists()


def test_a_removal_is_logged_with_what_was_mirrored(mirrored: APIClient) -> None:
    mirrored.send("DELETE", MIRROR)
    entry = LogEntry.objects.get(kind="repo_mirror_disabled")
    assert entry.metadata["external_reference"] == BODY["external_reference"]
    assert (entry.performer_name, entry.repository_name) == ("owner", "app")


@pytest.mark.django_db(transaction=True)
def test_the_content_stays(api: APIClient, mirror: Mirror, store_dir: Path, rung: list[int]) -> None:
    with FaultyRegistry() as source:
        source.repository("team/app").put(small_image(1), tag="v1")
        Mirror.objects.update(source_reference=f"{source.address}/team/app", verify_tls=False)
        sync_runs.run_sync(Sync.objects.create(mirror=mirror).pk)
        assert api.send("DELETE", MIRROR).status_code == 204
        assert connections.store().tags("acme/app") == ["v1"]


@pytest.mark.django_db(transaction=True)
def test_a_running_sync_is_stopped(api: APIClient, mirror: Mirror) -> None:
    sync = Sync.objects.create(mirror=mirror, trigger=Trigger.MANUAL)
    assert sync.start(worker="worker-1", snapshot={})
    records = SyncRecords(sync)
    heartbeat = Heartbeat(sync, records)
    assert api.send("DELETE", MIRROR).status_code == 204
    records.tags_total = 1  # something to be saved
    with heartbeat:
        heartbeat._thread.join(10)
    assert heartbeat.verdict == Verdict.LOST
    assert not Sync.objects.exists()
