"""How long a registry asks to wait: `Retry-After` and its relatives, in every form that is seen."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d*)?", re.ASCII)
_LONGEST = 100
"""Characters: to find in thousands of digits that they are no duration takes seconds."""
_EPOCH = 1e9
"""Nobody asks for a pause of thirty years: such a number is a moment, in seconds since 1970."""


def asked_wait(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Seconds that an answer asks to wait, by whichever header; None where it does not say.

    now: seconds since 1970; None for the clock of who answers, as far as it is told: ours may be minutes off.
    `X-Retry-After` is Docker Hub's; `X-RateLimit-Reset` GitHub's; `RateLimit-Reset` an IETF draft's.
    """
    now = _told_time(headers) if now is None else now
    for name in ("Retry-After", "X-Retry-After"):
        if (seconds := retry_after(headers.get(name), now=now)) is not None:
            return seconds
    for prefix in ("RateLimit", "X-RateLimit"):
        if headers.get(f"{prefix}-Remaining", "").partition(";")[0].strip() == "0":
            return retry_after(headers.get(f"{prefix}-Reset", "").partition(";")[0], now=now)
    return None


def retry_after(value: str | None, *, now: float | None = None) -> float | None:
    """Seconds of a Retry-After header: a number, a date, or a duration as Go writes it; None for nonsense.

    GHCR has answered `1.889377ms` (a Go time.Duration). now: seconds since 1970.
    """
    text = (value or "").strip()
    if not text or len(text) > _LONGEST:
        return None
    now = time.time() if now is None else now
    if _NUMBER.fullmatch(text):
        number = float(text)
        return max(0.0, number - now if number > _EPOCH else number)
    if (seconds := _go_duration(text)) is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None


def _told_time(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _go_duration(text: str) -> float | None:
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return seconds if seconds < _EPOCH else None
