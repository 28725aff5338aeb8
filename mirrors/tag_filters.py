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


@dataclass(frozen=True)
class Decision:
    """What became of one tag: the pattern that decided, None where none selects it, and why in a sentence."""

    tag: str
    pattern: str | None
    reason: str


def explain_tags(tags: Iterable[str], patterns: Sequence[str]) -> list[Decision]:
    """The same decision as `select_tags` for every tag, ascending, each with its reason."""
    tags = sorted(set(tags))
    selected = select_tags(tags, patterns).reasons
    nearly = select_tags(
        (tag.casefold() for tag in tags if tag not in selected), [pattern.casefold() for pattern in patterns]
    ).reasons
    spelt = {pattern.casefold(): pattern for pattern in reversed(patterns)}
    decisions = []
    for tag in tags:
        if tag in selected:
            reason = f"{selected[tag]} selects it."
        elif tag.casefold() in nearly:
            reason = f"{spelt[nearly[tag.casefold()]]} would select it if it were spelt alike: letters' case counts."
        else:
            reason = "No pattern selects it."
        decisions.append(Decision(tag, selected.get(tag), reason))
    return decisions
