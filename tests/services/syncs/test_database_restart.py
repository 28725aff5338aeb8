"""A PostgreSQL that is restarted, or fails over, while a sync is copying."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from mirrors.models import Mirror, Sync, TagCopy
from mirrors.models.sync import Status
from mirrors.sample.images import small_image
from mirrors.services.syncs import sync_runs
from tests.fixtures.waiting import wait_until
from tests.registry import FaultyRegistry

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no server"),
]


@pytest.fixture
def source() -> Iterator[FaultyRegistry]:
    """A slow registry with one tag."""
    with FaultyRegistry() as registry:
        registry.repository("team/app").put(small_image(1), tag="v1")
        registry.switches.delay = 0.5
        yield registry


def end_all_connections() -> None:
    """What a restart does to them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_sync_outlives_the_connections_of_its_worker(
    source: FaultyRegistry, mirror: Mirror, store_dir: Path, rung: list[int]
) -> None:
    Mirror.objects.update(source_reference=f"{source.address}/team/app", verify_tls=False)
    sync = Sync.objects.create(mirror=mirror)

    def restart() -> None:
        try:
            wait_until(lambda: source.count("HEAD", "/manifests/"))
            end_all_connections()
        finally:
            connection.close()

    server = threading.Thread(target=restart)
    server.start()
    sync_runs.run_sync(sync.pk)
    server.join()

    sync.refresh_from_db()
    assert (sync.status, sync.tags_copied) == (Status.SUCCEEDED, 1)
    assert TagCopy.objects.get().tag == "v1"
