"""How a copy is to be done: every setting of `copy_tags` in one value."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from mirrors.oci.copying.places import BlobPlaces
from mirrors.oci.images.platforms import PlatformPattern
from mirrors.oci.signatures.policy import SignaturePolicy


class IndexMode(StrEnum):
    """What becomes of an index of which only some platforms are wanted.

    SPARSE keeps its bytes and digest, and copies the wanted images only. REWRITTEN makes a new index of these.
    """

    SPARSE = "sparse"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class IndexLimits:
    """What is still copied: bytes of one manifest, entries of one index, levels of indexes within indexes.

    What is larger is an error, never cut off. An endpoint's `largest_answer` ends what can be read of it at all.
    """

    bytes: int = 10 * 1024 * 1024
    entries: int = 1000
    depth: int = 5


@dataclass(frozen=True, slots=True)
class KnownTag:
    """What an earlier copy left behind: the digest the tag had at the source, and the one it got at the target.

    target_digest: empty for a tag that was skipped, and will be while the source does not move it.
    """

    source_digest: str
    target_digest: str


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """Settings of one copy; the defaults copy everything that a tag needs.

    platforms: copy only images of these; empty for all.
    index_mode: what becomes of an index that has others too.
    deep: tags to look into although they are equal (after the platforms or the mode changed).
    foreign_layers: copy the layers too that are meant to stay where they are (Windows base layers).
    limits: the largest index that is copied.
    tag_timeout: seconds for one tag.
    concurrency: tags copied at once.
    mount_from: repositories of the target's registry that share blobs with the target.
    places: where blobs were seen, to be shared by the copies of one process; None: only what this copy sees.
    known: tags that need no question to the target while it lists them and the source has not moved them.
    asks_target: ask it all the same, whether they still are what they were.
    referrers: bring what refers to the images along: signatures, attestations, SBOMs, by every convention there is.
    check_referrers: ask for referrers of unchanged tags too: a request to the source for each, and for each of those.
    source_tags: every tag of the source, from whoever has listed them already; None: listed where that is of use.
    signatures: what images need before their tags move; None: nobody looks at signatures.
    """

    platforms: Sequence[PlatformPattern] = ()
    index_mode: IndexMode = IndexMode.SPARSE
    deep: Collection[str] = ()
    tag_timeout: float | None = None
    concurrency: int = 16
    mount_from: Sequence[str] = ()
    places: BlobPlaces | None = None
    known: Mapping[str, KnownTag] = field(default_factory=dict)
    asks_target: bool = False
    foreign_layers: bool = False
    limits: IndexLimits = IndexLimits()
    referrers: bool = True
    check_referrers: bool = False
    source_tags: Collection[str] | None = None
    signatures: SignaturePolicy | None = None
