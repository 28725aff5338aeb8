"""What a preview has found so far, and how it is told: a JSON object of bounded size.

source_tags, matching_tags     how many the source lists, and how many of them match
patterns                       [{pattern, tags}]: for each how many tags it decides
counts                         of tags by what would become of them, see `Fate`
tags                           [{tag, action, pattern, reason, source_digest, target_digest, bytes}], at most 1000
more_tags                      how many rows were left out
bytes                          {to_copy, tags_measured, tags_changed}: of the tags that were looked into
requests                       {source, source_pulls, target}: what a sync would send for what was looked at
is_complete, notes             whether everything was looked at; sentences about what was not
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mirrors.services.storable import storable
from mirrors.tag_filters import Decision

ROWS = 1000


class Fate(StrEnum):
    """What would become of a tag, in the order in which people want to know."""

    FAILED = "failed"  # it cannot be copied, or nobody could look at it
    MOVED = "moved"  # the target has another digest
    COPIED = "copied"  # the target lacks it, or a part of its content
    DELETED = "deleted"
    SKIPPED = "skipped"  # for other platforms than those that are wanted
    NOT_COMPARED = "not_compared"
    UNCHANGED = "unchanged"
    LEFT_OUT = "left_out"  # no pattern selects it


_ORDER = {fate: position for position, fate in enumerate(Fate)}


@dataclass
class Finding:
    """One tag. bytes: what its content lacks at the target; None where nobody looked into it."""

    tag: str
    fate: Fate
    pattern: str | None = None
    reason: str = ""
    source_digest: str | None = None
    target_digest: str | None = None
    bytes: int | None = None

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "tag": self.tag,
            "action": self.fate.value,
            "pattern": self.pattern,
            "reason": storable(self.reason),
            "source_digest": self.source_digest,
            "target_digest": self.target_digest,
            "bytes": self.bytes,
        }


@dataclass
class Findings:
    """All tags, filled while the registries are looked at, so that a deadline leaves what was found by then.

    measured, changed: tags whose content was looked into, of those that would be copied or moved.
    """

    tags: dict[str, Finding] = field(default_factory=dict)
    patterns: list[str] = field(default_factory=list)
    source_tags: int = 0
    measured: int = 0
    changed: int = 0
    bytes_to_copy: int = 0
    source_requests: int = 0
    source_pulls: int = 0
    target_requests: int = 0
    is_listed: bool = False
    is_complete: bool = False
    notes: list[str] = field(default_factory=list)

    def begin(self, decisions: Iterable[Decision], *, patterns: list[str]) -> list[str]:
        """Take note of all tags of the source; gives those that are selected."""
        self.patterns = patterns
        for decision in decisions:
            fate = Fate.LEFT_OUT if decision.pattern is None else Fate.NOT_COMPARED
            self.tags[decision.tag] = Finding(decision.tag, fate, decision.pattern, decision.reason)
        self.source_tags, self.is_listed = len(self.tags), True
        return [tag for tag, finding in self.tags.items() if finding.pattern is not None]

    def decide(self, tag: str, fate: Fate, reason: str = "", **values: Any) -> None:
        """Say what would become of a tag; the reason follows the one why it is selected."""
        finding = self.tags.setdefault(tag, Finding(tag, fate))
        finding.fate = fate
        finding.reason = f"{finding.reason} {reason}".strip()
        for name, value in values.items():
            setattr(finding, name, value)

    def of(self, *fates: Fate) -> list[Finding]:
        """The tags of these fates."""
        return [finding for finding in self.tags.values() if finding.fate in fates]

    def result(self) -> dict[str, Any]:
        """The whole answer."""
        rows = sorted(self.tags.values(), key=lambda finding: (_ORDER[finding.fate], finding.tag))
        counts = Counter(finding.fate for finding in rows)
        deciding = Counter(finding.pattern for finding in rows)
        return {
            "source_tags": self.source_tags,
            "matching_tags": sum(1 for finding in rows if finding.pattern is not None),
            "patterns": [{"pattern": pattern, "tags": deciding[pattern]} for pattern in dict.fromkeys(self.patterns)],
            "counts": {fate.value: counts[fate] for fate in Fate},
            "tags": [finding.row() for finding in rows[:ROWS]],
            "more_tags": max(len(rows) - ROWS, 0),
            "bytes": {
                "to_copy": self.bytes_to_copy,
                "tags_measured": self.measured,
                "tags_changed": self.changed,
            },
            "requests": {
                "source": self.source_requests,
                "source_pulls": self.source_pulls,
                "target": self.target_requests,
            },
            "is_complete": self.is_complete,
            "notes": [storable(note) for note in self.notes],
        }
