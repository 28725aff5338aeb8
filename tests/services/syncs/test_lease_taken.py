"""A worker whose sync was taken from it while it copied."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from mirrors.models import Mirror, Sync
from mirrors.models.sync import Status
from mirrors.services.syncs import sync_runs
from tests.fixtures.waiting import wait_until
from tests.registry import FaultyRegistry

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_stops_at_the_next_renewal_long_before_its_lease_would_have_run_out(
    mirror: Mirror, store_dir: Path, rung: list[int], settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LEASE_RENEWAL_SECONDS = 1
    sync = Sync.objects.create(mirror=mirror)

    def work() -> None:
        try:
            sync_runs.run_sync(sync.pk, worker="w1")
        finally:
            connection.close()

    with FaultyRegistry() as source:
        source.switches.swallow = True  # the copy waits for an answer that never comes
        Mirror.objects.update(source_reference=f"{source.address}/team/app", verify_tls=False)
        worker = threading.Thread(target=work)
        worker.start()
        wait_until(lambda: source.requests)
        Sync.objects.update(status=Status.LOST, lease_expires_at=None, finished_at=timezone.now())
        worker.join(settings.LEASE_SECONDS / 2)
        was_stopped = not worker.is_alive()
    worker.join()

    assert was_stopped
    assert "lost its lease" in caplog.text
    assert Sync.objects.get().status == Status.LOST
