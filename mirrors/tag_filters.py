"""Which tags a mirror wants: tags and rules in, selected tags and reasons out.

Source of the grammar: Quay's tag patterns, which are Python's `fnmatch`, case-sensitive: `*`, `?`, `[seq]`, `[!seq]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate


@dataclass(frozen=True)
class Selection:
    """Selected tags in ascending order, and for each the pattern that selected it."""

    reasons: dict[str, str]

    @property
    def tags(self) -> list[str]:
        """The selected tags, ascending."""
        return list(self.reasons)


def split_patterns(text: str) -> list[str]:
    """A comma-separated list as people type it: blanks trimmed, empty ones and repetitions dropped."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def select_tags(tags: Iterable[str], patterns: Sequence[str]) -> Selection:
    """The tags that match at least one pattern; the first that matches is the reason."""
    matchers = [(pattern, re.compile(translate(pattern.strip()))) for pattern in patterns]
    reasons: dict[str, str] = {}
    for tag in sorted(set(tags)):
        pattern = next((pattern for pattern, matcher in matchers if matcher.match(tag)), None)
        if pattern is not None:
            reasons[tag] = pattern
    return Selection(reasons)
