"""One sync from claim to end in this process: what a worker does with a message, whatever it finds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone
from pytest_django import Settings

from mirrors.models import HostPause, Mirror, Repository, Sync, TagCopy
from mirrors.models.sync import Status, Trigger
from mirrors.oci import PROCESS_PAUSES, Code
from mirrors.services.syncs import connections, sync_runs
from mirrors.services.syncs.host_pauses import exchange_pauses
from tests.registry import FaultyRegistry

# The heartbeat writes from a thread of its own, so nothing may hide in a transaction of the test.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mirror(source: FaultyRegistry, mirror: Mirror, store_dir: Path, rung: list[int]) -> Mirror:
    """A mirror of that registry into the built-in store."""
    mirror.source_reference = f"{source.address}/team/app"
    mirror.verify_tls = False
    mirror.save()
    return mirror


def test_a_run_copies_records_each_tag_and_moves_the_schedule(mirror: Mirror) -> None:
    past = timezone.now() - timedelta(seconds=10)
    Mirror.objects.update(starts_at=past, next_sync_at=past, sync_interval=3600)
    sync = Sync.objects.create(mirror=mirror)

    sync_runs.run_sync(sync.pk, worker="w1")

    row = Sync.objects.get()
    assert (row.status, row.message, row.worker, row.fence) == (Status.SUCCEEDED, "Tags: 2 copied.", "w1", 1)
    assert (row.tags_total, row.tags_copied, row.bytes_copied > 0) == (2, 2, True)
    assert list(TagCopy.objects.values_list("tag", "action")) == [("v1", "copied"), ("v2", "copied")]
    assert connections.store().tags("acme/app") == ["v1", "v2"]
    assert Mirror.objects.get().next_sync_at == past + timedelta(hours=1)


def test_a_second_message_for_the_same_sync_does_nothing(mirror: Mirror, source: FaultyRegistry) -> None:
    sync = Sync.objects.create(mirror=mirror)
    sync_runs.run_sync(sync.pk, worker="w1")
    before, requests = Sync.objects.values().get(), len(source.requests)

    sync_runs.run_sync(sync.pk, worker="w2")

    assert Sync.objects.values().get() == before
    assert len(source.requests) == requests


def test_a_message_that_comes_too_early_or_for_a_sync_that_is_gone_does_nothing(
    mirror: Mirror, source: FaultyRegistry
) -> None:
    sync = Sync.objects.create(mirror=mirror, available_at=timezone.now() + timedelta(hours=1))

    sync_runs.run_sync(sync.pk)
    sync_runs.run_sync(sync.pk + 1000)

    assert Sync.objects.get().status == Status.QUEUED
    assert source.requests == []


def test_a_repository_that_has_left_the_mirror_state_is_not_written_to(mirror: Mirror, source: FaultyRegistry) -> None:
    sync = Sync.objects.create(mirror=mirror)
    Repository.objects.update(state=Repository.State.READ_ONLY)

    sync_runs.run_sync(sync.pk)

    row = Sync.objects.get()
    assert (row.status, row.message) == (Status.CANCELLED, "The repository has left the MIRROR state.")
    assert source.requests == []


def test_credentials_that_cannot_be_decrypted_end_the_sync_and_are_not_tried_again(
    mirror: Mirror, source: FaultyRegistry, settings: Settings
) -> None:
    mirror.source_username, mirror.source_password = "reader", "secret"
    mirror.save()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    sync_runs.run_sync(Sync.objects.create(mirror=mirror).pk)

    row = Sync.objects.get()
    assert (row.status, row.error_code) == (Status.FAILED, Code.DECRYPTION)
    assert "ENCRYPTION_KEYS" in row.message
    assert "enter them again" in row.message
    assert source.requests == []


def test_a_tag_that_fails_does_not_hold_up_the_others_and_is_alone_in_the_next_attempt(
    mirror: Mirror, source: FaultyRegistry
) -> None:
    # Of the engine's own tries none is left over for the second attempt.
    source.fail("HEAD", "/manifests/v2", status=503, times=4)
    sync = Sync.objects.create(mirror=mirror)

    sync_runs.run_sync(sync.pk)

    failed, retry = Sync.objects.order_by("pk")
    assert (failed.status, failed.tags_copied, failed.tags_failed, failed.error_side) == ("failed", 1, 1, "source")
    assert failed.message.startswith("1 of 2 tags failed. v2: ")
    assert (retry.trigger, retry.only_tags, retry.attempt) == (Trigger.RETRY, ["v2"], 2)
    Sync.objects.filter(pk=retry.pk).update(available_at=timezone.now())
    sync_runs.run_sync(retry.pk)
    assert Sync.objects.get(pk=retry.pk).status == Status.SUCCEEDED
    assert connections.store().tags("acme/app") == ["v1", "v2"]


def test_the_pause_that_a_registry_asks_for_is_kept(mirror: Mirror, source: FaultyRegistry) -> None:
    source.fail("GET", "/tags/list", status=429, headers={"Retry-After": "600"}, times=9)

    sync_runs.run_sync(Sync.objects.create(mirror=mirror).pk)

    failed, retry = Sync.objects.order_by("pk")
    assert (failed.error_code, failed.error_side) == (Code.RATE_LIMITED, "source")
    assert retry.available_at - failed.finished_at > timedelta(seconds=595)
    assert source.count("GET", "/tags/list") == 1


def test_an_unexpected_fault_ends_the_sync_in_a_sentence_and_its_traceback_in_the_log(
    mirror: Mirror, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.STORE_DIR = None  # no setting can say that: it stands for a fault of our own

    sync = Sync.objects.create(mirror=mirror)
    sync_runs.run_sync(sync.pk)

    row = Sync.objects.get(pk=sync.pk)
    assert (row.status, row.error_code) == (Status.FAILED, Code.INTERNAL)
    assert row.message == f"An unexpected fault; the worker's log has the details of sync {sync.pk}."
    assert "Traceback" in caplog.text


def test_a_pause_that_ends_a_sync_at_once_is_told_to_the_other_workers(mirror: Mirror, source: FaultyRegistry) -> None:
    source.fail("GET", "/tags/list", status=429, headers={"Retry-After": "600"}, times=1)
    sync_runs.run_sync(Sync.objects.create(mirror=mirror).pk)
    assert Sync.objects.get(attempt=1).error_code == Code.RATE_LIMITED
    assert HostPause.objects.get().host == source.address


def test_a_sync_asks_nobody_who_has_asked_another_worker_for_a_pause(mirror: Mirror, source: FaultyRegistry) -> None:
    HostPause.objects.create(host=source.address, until=timezone.now() + timedelta(seconds=600))
    sync_runs.run_sync(Sync.objects.create(mirror=mirror).pk)
    assert Sync.objects.get(attempt=1).error_code == Code.RATE_LIMITED
    assert source.requests == []


def test_a_sync_starts_without_the_pauses_that_an_operator_has_lifted(mirror: Mirror, source: FaultyRegistry) -> None:
    PROCESS_PAUSES.pause(source.address, seconds=600)
    exchange_pauses()
    HostPause.objects.all().delete()
    sync_runs.run_sync(Sync.objects.create(mirror=mirror).pk)
    assert Sync.objects.get().status == Status.SUCCEEDED
