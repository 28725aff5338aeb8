"""Times, sizes and digests in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mirrors.web import words

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (-9, "now"),
        (10, "in 10 s"),
        (59, "in 59 s"),
        (60, "in 1 min"),
        (-3599, "59 min ago"),
        (7200, "in 2 h"),
        (-47 * 3600, "47 h ago"),
        (48 * 3600, "in 2 d"),
    ],
)
def test_relative_times(seconds: int, text: str) -> None:
    assert words.relative_time(NOW + timedelta(seconds=seconds), now=NOW) == text


def test_exact_times_are_in_utc() -> None:
    there = datetime(2026, 11, 21, 23, 5, tzinfo=timezone(timedelta(hours=9)))
    assert words.exact_time(there) == "2026-11-21 14:05 UTC"


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0.0 s"), (0.44, "0.4 s"), (42, "42 s"), (3900, "1 h 5 min"), (90061, "1 d 1 h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("seconds", "parts"), [(1, (1, 1)), (90, (90, 1)), (120, (2, 60)), (86400, (1, 86400)), (1209600, (2, 604800))]
)
def test_an_interval_is_shown_in_the_largest_unit_that_divides_it(seconds: int, parts: tuple[int, int]) -> None:
    assert words.interval_parts(seconds) == parts
