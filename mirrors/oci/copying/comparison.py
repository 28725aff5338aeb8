"""Which tags have changed: what each one is at the source, and whether the target has the same already.

A tag that the target lacks has nothing to be compared with, so it is fetched at once when its turn comes, and not asked
for first; except at a registry that counts every fetch, where tags with the same digest are worth finding out.
"""

from __future__ import annotations

from dataclasses import dataclass

from mirrors.oci.content import ContentRepository
from mirrors.oci.copying.options import CopyOptions, KnownTag
from mirrors.oci.copying.progress import Action, TagOutcome
from mirrors.oci.copying.walk import Walk
from mirrors.oci.errors import NotFound, OCIError, Side, blame
from mirrors.oci.images.manifest import INDEX_TYPES, Descriptor, Manifest, digest_algorithm

_WORTH_LISTING = 8


@dataclass(slots=True)
class Compared:
    """A tag: what it is at the source, the digest it has at the target, and whether the one is the other's copy.

    source: None for one that the target lacks, until it is fetched. started: seconds of the monotonic clock.
    is_skipped: an earlier copy found it unwanted, and it has not moved since.
    """

    tag: str
    source: Descriptor | None
    before: str | None
    started: float
    is_equal: bool
    is_skipped: bool = False

    @property
    def found(self) -> Descriptor:
        """What it is at the source, where both sides were asked."""
        if self.source is None:
            raise AssertionError("nobody has asked the source yet")
        return self.source

    @property
    def skipped(self) -> TagOutcome:
        """The tag's end, if it is still unwanted."""
        reason = "It is for another platform than those that are wanted, and has not moved since that was found out."
        return TagOutcome(self.tag, Action.SKIPPED, self.found.digest, media_type=self.found.media_type, reason=reason)

    @property
    def unchanged(self) -> TagOutcome:
        """The tag's end, if it is equal."""
        return TagOutcome(
            self.tag,
            Action.UNCHANGED,
            self.found.digest,
            self.before,
            self.before,
            self.found.media_type,
            rewritten=self.before != self.found.digest and not _other_algorithm(self.found.digest, self.before),
        )


class Comparison:
    """Compares the tags of one run.

    at_target: the tags that the target had when the run began; None where nobody has listed them.
    """

    def __init__(
        self, source: ContentRepository, target: ContentRepository, *, walk: Walk, options: CopyOptions
    ) -> None:
        self._source = source
        self._target = target
        self._walk = walk
        self._options = options
        self.at_target: frozenset[str] | None = None

    async def look_at_target(self, *, tags: int) -> None:
        """One list saves a HEAD for each tag that is new; on a first copy, for every tag, child and small blob."""
        if tags < _WORTH_LISTING and not self._options.known:
            return
        try:
            self.at_target = frozenset(await self._target.list_tags())
        except NotFound:
            self.at_target = frozenset()
            self._walk.expect_nothing()
        except OCIError:
            # Some registries list for nobody. Each tag is asked for then, and a real fault shows there.
            self.at_target = None

    async def compare(self, tag: str, *, started: float) -> Compared:
        """Ask both sides, each only where that is needed; raises NotFound where the source has no such tag."""
        if self._is_new(tag):
            return Compared(tag, None, None, started, is_equal=False)
        with blame(Side.SOURCE):
            # Some registries answer every HEAD with 404, and the tag comes from a list.
            found = await self._source.resolve(tag) or (await self._walk.fetch_tag(tag)).descriptor
        if self._was_skipped(tag, source_digest=found.digest):
            return Compared(tag, found, None, started, is_equal=False, is_skipped=True)
        known = self._known(tag, source_digest=found.digest)
        trusts = known is not None and not self._options.asks_target
        before = known.target_digest if known and trusts else await self.digest_at_target(tag)
        looks_inside = tag in self._options.deep and found.media_type in INDEX_TYPES
        is_equal = not looks_inside and (
            before == found.digest
            or (known is not None and before == known.target_digest and self._may_differ(found, before))
            or await self._has_other_name(tag, source=found, before=before)
        )
        return Compared(tag, found, before, started, is_equal)

    async def digest_at_target(self, tag: str) -> str | None:
        """The digest that the tag has at the target, or None."""
        if self.at_target is not None and tag not in self.at_target:
            return None
        with blame(Side.TARGET):
            there = await self._target.resolve(tag)
        return there.digest if there else None

    def _is_new(self, tag: str) -> bool:
        """Whether nothing is known of the tag at the target: not there now, and neither copied nor skipped before."""
        return (
            self.at_target is not None
            and tag not in self.at_target
            and tag not in self._options.known
            and not self._source.counts_fetches
        )

    def _was_skipped(self, tag: str, *, source_digest: str) -> bool:
        known = None if tag in self._options.deep else self._options.known.get(tag)
        return known is not None and known == KnownTag(source_digest, "")

    def _known(self, tag: str, *, source_digest: str) -> KnownTag | None:
        """What an earlier copy left of this tag, while it is the same at the source and listed at the target."""
        known = None if tag in self._options.deep else self._options.known.get(tag)
        if known is None or known.source_digest != source_digest or tag not in (self.at_target or ()):
            return None
        return known

    def _may_differ(self, source: Descriptor, before: str | None) -> bool:
        """Whether what we made of this manifest ourselves can have another digest at the target."""
        return self._walk.selection.may_rewrite(source.media_type) or _other_algorithm(source.digest, before)

    async def _has_other_name(self, tag: str, *, source: Descriptor, before: str | None) -> bool:
        """Whether the target has the same bytes under the digest of another algorithm, as many do with sha512."""
        if not _other_algorithm(source.digest, before):
            return False
        with blame(Side.TARGET):
            there = await self._target.fetch_manifest(tag)
        return Manifest(there.content, there.media_type, digest_algorithm(source.digest)).digest == source.digest


def _other_algorithm(digest: str, before: str | None) -> bool:
    return bool(before) and digest.partition(":")[0] != str(before).partition(":")[0]
