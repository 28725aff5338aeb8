"""How pages word times, sizes and digests. Everything is UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from mirrors.models.mirror import ARCHITECTURES

UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
INTERVALS = (("weeks", 604800), ("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))


def exact_time(moment: datetime) -> str:
    """`2026-11-21 06:30 UTC`."""
    return moment.astimezone(timezone.get_fixed_timezone(0)).strftime("%Y-%m-%d %H:%M UTC")


def relative_time(moment: datetime, *, now: datetime | None = None) -> str:
    """`in 2 h`, `5 min ago`, `now` within ten seconds; never finer than one unit."""
    seconds = round((moment - (now or timezone.now())).total_seconds())
    if abs(seconds) < 10:
        return "now"
    # In hours up to two days: "1 d" would be anything from 24 to 48 of them.
    name, size = next((name, size) for name, size in UNITS if abs(seconds) >= (2 * size if name == "d" else size))
    amount = f"{abs(seconds) // size} {name}"
    return f"in {amount}" if seconds > 0 else f"{amount} ago"


def duration(span: timedelta | None) -> str:
    """`1 h 5 min`, `42 s`, `0.4 s`: the two largest units, at most."""
    if span is None:
        return ""
    seconds = span.total_seconds()
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    parts, rest = [], int(seconds)
    for name, size in UNITS:
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount} {name}")
    return " ".join(parts[:2])


def short_digest(digest: str) -> str:
    """The algorithm and the first 12 digits."""
    algorithm, _, digits = digest.partition(":")
    return f"{algorithm}:{digits[:12]}" if digits else digest


def interval_parts(seconds: int) -> tuple[int, int]:
    """An interval as amount and seconds of the largest unit that divides it evenly: 7200 is (2, 3600)."""
    unit = next(size for _, size in INTERVALS if seconds % size == 0)
    return seconds // unit, unit


def chosen_platforms(names: Sequence[str], *, is_rewritten: bool) -> str:
    """Which platforms a mirror copies, in a sentence or two; in Quay's words as long as they fit."""
    if not names:
        return "All architectures of multi-arch images will be mirrored."
    quays = " architecture(s)" if set(names) <= set(ARCHITECTURES) else ""
    rewritten = " Their indexes are rewritten, so their digests change." if is_rewritten else ""
    return f"Only {', '.join(names)}{quays} will be mirrored.{rewritten}"
