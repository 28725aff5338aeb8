"""Intervals as people write them: 30m, 6h, 1d, 1h30m."""

from __future__ import annotations

import re

from mirrors.errors import InvalidInput

UNITS = {"w": 7 * 24 * 3600, "d": 24 * 3600, "h": 3600, "m": 60, "s": 1}
_INTERVAL = re.compile(r"([0-9]{1,12}[wdhms])+")
_PART = re.compile(r"([0-9]+)([wdhms])")


def parse_interval(text: str) -> int:
    """Seconds; a number without a unit is seconds already. Raises InvalidInput."""
    text = text.strip().lower()
    if re.fullmatch(r"[0-9]{1,12}", text):
        return int(text)
    if not _INTERVAL.fullmatch(text):
        raise InvalidInput("Give an interval such as 30m, 6h or 1d.", field="sync_interval")
    return sum(int(number) * UNITS[unit] for number, unit in _PART.findall(text))


def interval_text(seconds: int) -> str:
    """The shortest way to write it: 90 is 1m30s, 86400 is 1d."""
    parts = []
    for unit, length in UNITS.items():
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
