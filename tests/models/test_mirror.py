"""A mirror's schedule keeps the phase of its start; the database refuses a mirror that could never work."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from mirrors.models import Mirror

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
SECOND = timedelta(seconds=1)


@given(start=MOMENTS, after=MOMENTS, interval=st.integers(1, 2**31 - 1))
def test_the_next_slot_is_the_first_on_the_phase_of_the_start_after_the_given_time(
    start: datetime, after: datetime, interval: int
) -> None:
    start = start.replace(microsecond=0)

    slot = Mirror(starts_at=start, sync_interval=interval).next_slot(after)

    assert slot > after
    assert slot >= start
    assert (slot - start).total_seconds() % interval == 0
    if slot > start:
        assert (slot - after).total_seconds() <= interval


def test_a_start_in_the_future_is_the_next_slot() -> None:
    start = datetime(2030, 1, 1, 12, tzinfo=UTC)

    assert Mirror(starts_at=start, sync_interval=60).next_slot(start - SECOND) == start
    assert Mirror(starts_at=start, sync_interval=60).next_slot(start) == start + timedelta(minutes=1)


def test_no_slot_is_made_up_for_each_one_that_was_missed() -> None:
    start = datetime(2030, 1, 1, 12, tzinfo=UTC)
    mirror = Mirror(starts_at=start, sync_interval=3600)

    assert mirror.next_slot(start + timedelta(days=7, minutes=10)) == start + timedelta(days=7, hours=1)


@pytest.mark.parametrize(
    "assignment",
    ["sync_interval = 0", "timeout_seconds = 299", "source_reference = ''", "tag_patterns = '[]'"],
)
def test_the_database_refuses_a_mirror_that_could_never_work(mirror: Mirror, assignment: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE mirrors_mirror SET {assignment}")


def test_a_snapshot_tells_the_configuration_and_no_secret(mirror: Mirror) -> None:
    mirror.source_username, mirror.source_password = "reader", "planted-secret"
    mirror.http_proxy = "http://user:planted-secret@proxy.example.com:3128"

    snapshot = mirror.snapshot()

    assert snapshot["source_reference"] == "registry.example.com/team/app"
    assert snapshot["robot"] == "acme+mirror"
    assert snapshot["uses_proxy"]
    assert "planted-secret" not in json.dumps(snapshot)
