"""A page that waits for a sync in the far future is quiet."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from mirrors.models import Mirror
from tests.web.conftest import HTMX, action

pytestmark = pytest.mark.django_db

LONGEST_TIMER = 2**31 / 1000  # seconds; a browser's setTimeout counts milliseconds in 31 bits


@pytest.mark.parametrize("days", [1, 24, 25, 40, 400, 20_000])
def test_no_delay_is_longer_than_browsers_can_wait(client: Client, mirror: Mirror, days: int) -> None:
    Mirror.objects.filter(pk=mirror.pk).update(next_sync_at=timezone.now() + timedelta(days=days))

    page = client.get(action("status", mirror.repository), **HTMX).text

    delay = re.search(r'hx-trigger="refresh, load delay:(\d+)s"', page)
    assert delay is not None
    assert 3600 <= int(delay[1]) < LONGEST_TIMER
