"""Deleting a mirror while its worker and beat are writing."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from mirrors.models import Mirror, Sync, TagCopy
from mirrors.services import mirrors

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def recording(mirror: Mirror) -> Iterator[Sync]:
    """A running sync whose worker records tags as fast as it can, until its lease is gone."""
    sync = Sync.objects.create(mirror=mirror)
    assert sync.start(worker="w1", snapshot={})
    ended = threading.Event()

    def record() -> None:
        numbers = itertools.count()
        try:
            while not ended.is_set():
                with transaction.atomic():
                    if not sync.renew():
                        return
                    for number in itertools.islice(numbers, 20):
                        TagCopy.objects.create(sync=sync, tag=f"v{number}", action="copied")
                time.sleep(0.02)  # SQLite lets others in only between transactions
        finally:
            connection.close()

    worker = threading.Thread(target=record)
    worker.start()
    yield sync
    ended.set()
    worker.join()


@pytest.mark.parametrize("number", range(8))
def test_a_mirror_is_deleted_while_its_worker_records_tags(recording: Sync, number: int) -> None:
    time.sleep(0.05 + number / 100)

    mirrors.delete_mirror(Mirror.objects.get())

    assert (Mirror.objects.count(), Sync.objects.count(), TagCopy.objects.count()) == (0, 0, 0)
