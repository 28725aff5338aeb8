from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirrors.oci.remote.http.delays import asked_wait, retry_after

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17),
        (" 1.5 ", 1.5),
        ("-5", 0),
        ("0", 0),
        (format_datetime(NOW + timedelta(seconds=9), usegmt=True), 9),
        (format_datetime(NOW - timedelta(days=9), usegmt=True), 0),
        ("1.889377ms", 0.001889377),
        ("60s", 60),
        ("1m30s", 90),
        ("1h0m0.5s", 3600.5),
        ("250µs", 0.00025),
        (str(int(NOW.timestamp()) + 30), 30),
    ],
)
def test_a_pause_is_seconds_or_a_date_or_a_duration_or_a_moment(value: str, seconds: float) -> None:
    assert retry_after(value, now=NOW.timestamp()) == pytest.approx(seconds)


@pytest.mark.parametrize("value", [None, "", "soon", "nan", "inf", "1e9", "5 parsecs", "s", "1m30", "٣", "Mon, 99 Jan"])
def test_nonsense_is_no_pause(value: str | None) -> None:
    assert retry_after(value) is None


@pytest.mark.parametrize("value", ["1s" * 51, "9" * 8000])
def test_what_is_longer_than_any_pause_is_not_read(value: str) -> None:
    """To find that eight thousand digits are no duration takes seconds."""
    assert retry_after(value) is None


@given(st.text(max_size=60))
def test_whatever_stands_there_is_a_pause_or_none(value: str) -> None:
    seconds = retry_after(value)
    assert seconds is None or 0 <= seconds < float("inf")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "3", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "900"}, 3),
        ({"X-Retry-After": str(int(NOW.timestamp()) + 40)}, 40),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 50)}, 50),
        ({"RateLimit-Remaining": "0;w=60", "RateLimit-Reset": "12"}, 12),
        ({"RateLimit-Remaining": "0;w=21600"}, None),
        ({"X-RateLimit-Remaining": "4", "X-RateLimit-Reset": "900"}, None),
        ({"Retry-After": "soon", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "7"}, 7),
    ],
)
def test_the_wait_may_be_in_other_headers_too(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers, now=NOW.timestamp()) == seconds


@pytest.mark.parametrize("header", [format_datetime(NOW + timedelta(seconds=30)), str(int(NOW.timestamp()) + 30)])
def test_a_moment_is_told_by_the_clock_of_who_answers(header: str) -> None:
    assert asked_wait({"Date": format_datetime(NOW, usegmt=True), "Retry-After": header}) == 30
    assert asked_wait({"Date": "yesterday", "Retry-After": header}) == 0


def test_seconds_are_the_same_by_every_clock() -> None:
    assert asked_wait({"Date": format_datetime(NOW, usegmt=True), "Retry-After": "7"}) == 7
