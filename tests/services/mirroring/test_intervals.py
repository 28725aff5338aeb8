"""Intervals as people write them."""

from __future__ import annotations

import pytest

from mirrors.errors import InvalidInput
from mirrors.services.mirroring.intervals import interval_text, parse_interval


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("30m", 1800), ("6h", 21600), ("1d", 86400), ("2w", 1209600), ("1h30m", 5400), ("0", 0)],
)
def test_an_interval_is_seconds(text: str, seconds: int) -> None:
    assert parse_interval(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1y", "-1h", "1.5h", "6 h", "1h 30m", "٣h", "9" * 20])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="30m, 6h or 1d"):
        parse_interval(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (90, "1m30s"), (86400, "1d"), (21600, "6h"), (694861, "1w1d1h1m1s")]
)
def test_an_interval_reads_back_as_it_is_written(seconds: int, text: str) -> None:
    assert interval_text(seconds) == text
    assert parse_interval(text) == seconds
