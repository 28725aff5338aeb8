"""Mirrors whose last sync came to something, and who may look at all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mirrors.models import Mirror, Sync, User
from mirrors.models.sync import Status
from tests.api.conftest import APIClient
from tests.fixtures.domain import ended_sync

Add = Callable[..., Mirror]


@pytest.fixture
def add(make_mirror: Callable[..., Mirror]) -> Add:
    """`add("app", Status.FAILED)`: a mirror whose last sync, an hour ago, came to that; None: it never ran."""

    def make(name: str, status: Status | None = Status.SUCCEEDED, **values: Any) -> Mirror:
        mirror = make_mirror(name)
        if status is None:
            return mirror
        now = timezone.now()
        if status == Status.RUNNING:
            started = {"started_at": now, "lease_expires_at": now, "fence": 1}
            Sync.objects.create(mirror=mirror, status=status, **started | values)
        else:
            ended_sync(mirror, status, **{"finished_at": now - timedelta(hours=1)} | values)
        return mirror

    return make


@pytest.fixture
def root(make_api: Callable[..., APIClient], superuser: User) -> APIClient:
    """Calls as a superuser."""
    return make_api(superuser, scopes=["super:user"])
