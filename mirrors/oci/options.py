"""How a copy is to be done: every setting of `copy_tags` in one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KnownTag:
    """What an earlier copy left behind: the digest the tag had at the source, and the one it got at the target."""

    source_digest: str
    target_digest: str


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """Settings of one copy; the defaults copy everything that a tag needs.

    architectures: copy only these parts of an index, whose own bytes stay as they are; empty for all.
    deep: look into tags that are equal already (after the architectures changed).
    tag_timeout: seconds for one tag.
    concurrency: tags copied at once.
    mount_from: repositories of the target's registry that share blobs with the target.
    known: tags that need no question to the target while it lists them and the source has not moved them.
    """

    architectures: Sequence[str] = ()
    deep: bool = False
    tag_timeout: float | None = None
    concurrency: int = 6
    mount_from: Sequence[str] = ()
    known: Mapping[str, KnownTag] = field(default_factory=dict)
