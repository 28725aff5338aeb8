"""Two people who press different buttons of the same mirror at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from mirrors.errors import NotSyncing
from mirrors.models import Mirror, Sync
from mirrors.models.sync import Status
from mirrors.services.mirroring import mirrors
from mirrors.services.syncs import syncs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("number", range(5))
def test_one_cancels_what_the_other_takes_back_by_disabling(mirror: Mirror, rung: list[int], number: int) -> None:
    past = timezone.now() - timedelta(hours=1)
    Mirror.objects.update(starts_at=past, next_sync_at=past)
    Sync.objects.create(mirror=mirror)
    faults: list[Exception] = []

    def person(press: Callable[[Mirror], object], mirror: Mirror) -> threading.Thread:
        def act() -> None:
            try:
                press(mirror)
            except NotSyncing:
                pass  # the other was faster
            except Exception as fault:  # a thread's fault reaches the test this way alone
                faults.append(fault)
            finally:
                connection.close()

        return threading.Thread(target=act)

    people = [
        person(syncs.cancel_sync, Mirror.objects.get()),
        person(lambda mirror: mirrors.change_mirror(mirror, {"is_enabled": False}), Mirror.objects.get()),
    ]
    for thread in people:
        thread.start()
    for thread in people:
        thread.join()

    assert faults == []
    assert Sync.objects.get().status == Status.CANCELLED
    assert Mirror.objects.get().next_sync_at > timezone.now()
