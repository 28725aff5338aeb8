"""How long the audit log is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from mirrors.models import LogEntry, Repository
from mirrors.services.logs import logs
from mirrors.services.logs.log_entries import record
from tasks.upkeep import forget_old_syncs

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries(repository: Repository) -> None:
    """Seven entries, from seven days to one day old."""
    for days in range(7, 0, -1):
        entry = record(f"{days} days old", repository=repository)
        LogEntry.objects.filter(pk=entry.pk).update(created_at=timezone.now() - timedelta(days=days))


@pytest.mark.usefixtures("entries")
def test_entries_are_forgotten_after_their_days_in_batches(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LOG_RETENTION_DAYS = 2
    monkeypatch.setattr(logs, "BATCH", 2)

    forget_old_syncs()

    assert [entry.kind for entry in LogEntry.objects.all()] == ["1 days old"]


@pytest.mark.usefixtures("entries")
def test_a_period_of_the_past_is_found_by_where_its_entries_stand() -> None:
    now = timezone.now()
    period = {"start": now - timedelta(days=4.5), "end": now - timedelta(days=2.5)}

    found = logs.newest(logs.selected(logs.all_entries(), **period), limit=21)

    assert sorted(entry.kind for entry in found) == ["3 days old", "4 days old"]


@pytest.mark.usefixtures("entries")
def test_with_no_retention_everything_stays(settings: Settings) -> None:
    settings.LOG_RETENTION_DAYS = 0

    assert logs.forget_old_entries() == 0
    assert LogEntry.objects.count() == 7
