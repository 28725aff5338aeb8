"""What a copy tells while it runs, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mirrors.oci.errors import OCIError


class Action(StrEnum):
    """What became of one tag."""

    COPIED = "copied"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ReferrerFailure:
    """Something that refers to an image and did not come along: its digest or tag, and why, as a sentence."""

    name: str
    reason: str


@dataclass(frozen=True)
class TagOutcome:
    """One tag's end. Digests are None where there was nothing, or nobody looked; `reason` is a sentence.

    rewritten: the target has an index of its own under this tag, of the wanted platforms alone. referrers_copied:
    signatures, attestations and whatever else refers to it. referrers_failed: those that its target refused, or its
    source has not; the tag has moved without them.
    """

    tag: str
    action: Action
    source_digest: str | None = None
    target_digest_before: str | None = None
    target_digest: str | None = None
    media_type: str = ""
    bytes_copied: int = 0
    blobs_copied: int = 0
    blobs_present: int = 0
    blobs_mounted: int = 0
    seconds: float = 0.0
    reason: str = ""
    error: OCIError | None = None
    rewritten: bool = False
    referrers_copied: int = 0
    referrers_failed: tuple[ReferrerFailure, ...] = ()


@dataclass
class Counters:
    """What has been moved, and what is to be."""

    bytes_copied: int = 0
    bytes_expected: int = 0
    manifests_copied: int = 0
    blobs_copied: int = 0
    blobs_present: int = 0
    blobs_mounted: int = 0
    referrers_copied: int = 0
    referrers_failed: int = 0


@dataclass
class TagProgress(Counters):
    """Live counters of one tag. What several tags share counts for the one that came first."""

    failures: dict[str, ReferrerFailure] = field(default_factory=dict)


@dataclass
class Progress(Counters):
    """Live counters of a whole copy. Only the copy writes; any thread may read.

    bytes_expected grows while manifests are read. active: the tags being copied right now; another thread reads a
    copy of it, `dict(progress.active)`.
    """

    tags_total: int = 0
    tags_done: int = 0
    tags_copied: int = 0
    tags_unchanged: int = 0
    tags_skipped: int = 0
    tags_failed: int = 0
    active: dict[str, TagProgress] = field(default_factory=dict)

    def count(self, tag: TagProgress, counter: str, amount: int = 1) -> None:
        """Add to a counter of the tag and to the same one of the whole."""
        setattr(tag, counter, getattr(tag, counter) + amount)
        setattr(self, counter, getattr(self, counter) + amount)

    def fail_referrer(self, tag: TagProgress, failure: ReferrerFailure) -> None:
        """Take note of a referrer that does not come along with this tag."""
        if failure.name not in tag.failures:
            tag.failures[failure.name] = failure
            self.count(tag, "referrers_failed")

    def finish(self, outcome: TagOutcome) -> None:
        """Count a tag's end."""
        self.tags_done += 1
        counter = f"tags_{outcome.action}"
        setattr(self, counter, getattr(self, counter) + 1)
