"""A lease that cannot be renewed because the database neither answers nor refuses."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from mirrors.models import Mirror, Sync, TagCopy
from mirrors.models.sync import Status
from mirrors.sample.images import small_image
from mirrors.services.syncs import sync_runs
from tests.fixtures.waiting import wait_until
from tests.registry import FaultyRegistry

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite refuses after its timeout"),
]


@pytest.fixture
def source() -> Iterator[FaultyRegistry]:
    """A slow registry with one tag."""
    with FaultyRegistry() as registry:
        registry.repository("team/app").put(small_image(1), tag="v1")
        registry.switches.delay = 1.5
        yield registry


@pytest.fixture
def running(
    source: FaultyRegistry, mirror: Mirror, store_dir: Path, rung: list[int], settings: Settings
) -> Iterator[Sync]:
    """A sync of that registry under a short lease, which a worker has just started."""
    settings.LEASE_SECONDS, settings.LEASE_RENEWAL_SECONDS, settings.LEASE = 3, 1, timedelta(seconds=3)
    Mirror.objects.update(source_reference=f"{source.address}/team/app", verify_tls=False)
    sync = Sync.objects.create(mirror=mirror)

    def run() -> None:
        try:
            sync_runs.run_sync(sync.pk)
        finally:
            connection.close()

    worker = threading.Thread(target=run)
    worker.start()
    wait_until(lambda: source.count("GET", "/tags/list"))
    yield sync
    worker.join()


def test_the_copy_stops_when_its_lease_runs_out_though_the_database_says_nothing(
    running: Sync, source: FaultyRegistry
) -> None:
    with transaction.atomic():
        Sync.objects.select_for_update().get(pk=running.pk)  # every renewal waits for this
        time.sleep(8)
        asked = [request.path for request in source.requests]

    assert not [path for path in asked if "/blobs/" in path]
    assert Sync.objects.get().status == Status.RUNNING  # until a sweep finds it
    assert not TagCopy.objects.exists()
