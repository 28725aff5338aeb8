"""Brings along what refers to the images of a tag: signatures, attestations, SBOMs, whatever they are.

    found = await referrers.find(digests)       at the source: by API or fallback tag, and cosign's tags
    await referrers.copy(found, tag=...)        subjects are at the target by then; level by level, what refers to
                                                referrers too

A referrer that its target refuses, or its source has lost, is told of and does not hold the image up. Only faults that
may pass, such as a broken connection, are raised: then the tag is not complete, and its next copy tries again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from mirrors.oci.concurrency import Once, run_all
from mirrors.oci.content import ContentRepository
from mirrors.oci.copying.options import CopyOptions
from mirrors.oci.copying.progress import ReferrerFailure, TagProgress
from mirrors.oci.copying.selection import Choice
from mirrors.oci.copying.walk import Walk
from mirrors.oci.errors import AuthFailed, DigestMismatch, MalformedAnswer, NotFound, OCIError, Side, Unsupported, blame
from mirrors.oci.fallback import FallbackIndexes, fetch_fallback, referrer_entries, subject_of
from mirrors.oci.images.companions import COSIGN_SUFFIXES, Companions, fallback_tag
from mirrors.oci.images.manifest import IMAGE_TYPES, INDEX_TYPES, Descriptor, Manifest
from mirrors.oci.signatures.check import check_signatures

_MOST = 1000
_SUBJECTS_AT_ONCE = 8
_AT_ONCE = 8
_LISTED_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Listed:
    """What names one manifest as its subject, as far as the source says. original: the index that says so, if one."""

    subject: str
    referrers: tuple[Descriptor, ...] = ()
    original: Manifest | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What belongs to some manifests at the source. asked: whether its API was, and is to be for what is found."""

    listed: tuple[Listed, ...] = ()
    tags: tuple[str, ...] = ()
    asked: bool = True

    @property
    def needs_subject(self) -> bool:
        """Whether some of it names its subject, which some registries want to have first."""
        return bool(self.listed)

    def __len__(self) -> int:
        return sum(len(each.referrers) for each in self.listed) + len(self.tags)

    def first(self, number: int) -> Found:
        """As many of it, tags first."""
        tags = self.tags[:number]
        left, listed = number - len(tags), []
        for each in self.listed:
            listed.append(Listed(each.subject, each.referrers[:left], each.original))
            left -= len(listed[-1].referrers)
        return Found(tuple(each for each in listed if each.referrers), tags, self.asked)

    def excess(self, number: int) -> ReferrerFailure:
        """The failure for what is more than this number."""
        name = self.listed[-1].subject if self.listed else self.tags[-1]
        more = len(self) - number
        return ReferrerFailure(name, f"{more} more belong to it, and at most {_MOST} come along with a tag.")


@dataclass(frozen=True, slots=True)
class _Brought:
    """What became of some referrers. digests: those at the target now, with the manifests below them."""

    digests: tuple[str, ...] = ()
    failures: tuple[ReferrerFailure, ...] = ()
    unlisted: tuple[Manifest, ...] = ()


class Referrers:
    """One run's referrers.

    ordinary: the tags that the run copies anyway; what looks like a signature among them is none of ours. at_target:
    the tags that the target had when the run began, None where nobody has listed them.
    """

    def __init__(
        self,
        source: ContentRepository,
        target: ContentRepository,
        *,
        walk: Walk,
        options: CopyOptions,
        ordinary: Collection[str],
    ) -> None:
        self._source = source
        self._target = target
        self._walk = walk
        self._options = options
        self._ordinary = frozenset(ordinary)
        self._indexes = FallbackIndexes(target)
        self._known = Companions(options.source_tags) if options.source_tags is not None else None
        self._listing: Once[Companions | None] = Once()
        self._lists: Once[Listed] = Once()
        self._brought: Once[_Brought] = Once()
        self._list_slots = asyncio.Semaphore(_LISTED_AT_ONCE)
        self._subject_slots = asyncio.Semaphore(_SUBJECTS_AT_ONCE)
        self.at_target: frozenset[str] | None = None
        walk.on_unlisted = self.list_at_target

    async def close(self) -> None:
        """Cancel and await whatever is under way."""
        for work in (self._listing, self._lists, self._brought):
            await work.close()

    def may_have_news(self, image: Descriptor, *, before: str, asks: bool) -> bool:
        """Whether something may refer to this manifest since it was copied; costs no request.

        before: its digest at the target, which is another one where it was rewritten. asks: the source will be asked.
        """
        if not self._options.referrers:
            return False
        digest = image.digest
        if asks:
            return digest == before or image.media_type in INDEX_TYPES
        if not self._known or digest != before:
            return False
        tags = [*self._known.of(digest), *([fallback_tag(digest)] if self._known.has_fallback(digest) else [])]
        return any(tag not in self._ordinary for tag in tags)

    async def subjects_in(self, choice: Choice, *, depth: int = 0) -> list[str]:
        """The digests of a manifest and of all that was chosen below it, as far as the target has them unaltered."""
        if not self._options.referrers:
            return []
        digests = [] if choice.is_rewritten else [choice.source_digest]
        for child in choice.children:
            if child.media_type in INDEX_TYPES:
                nested = await self._walk.selection.choose(await self._walk.fetch(child), depth=depth + 1)
                digests += await self.subjects_in(nested, depth=depth + 1)
            elif child.media_type in IMAGE_TYPES:
                digests.append(child.digest)
        return digests

    async def find(self, digests: Iterable[str], *, asks: bool = True) -> Found:
        """What belongs to these manifests. asks: False where only the list of tags is to be gone by."""
        subjects = list(dict.fromkeys(digests))
        if not subjects:
            return Found()
        companions = await self._companions()
        listed = await run_all(self._list(subject, companions, asks=asks) for subject in subjects)
        tags = [tag for subject in subjects for tag in await self._companion_tags(subject, companions)]
        return Found(tuple(each for each in listed if each.referrers), tuple(dict.fromkeys(tags)), asks)

    async def find_news(self, image: Descriptor, *, before: str, asks: bool) -> Found:
        """What may refer to an image that the target has already, for as few requests to the source as possible."""
        found = await self.find([image.digest] if image.digest == before else [], asks=asks)
        if not (asks and image.media_type in INDEX_TYPES):
            return found
        more = await self.find(await self._signed_children(before), asks=False)
        return Found(found.listed + more.listed, found.tags + more.tags, asks)

    async def _signed_children(self, digest: str) -> list[str]:
        """The children of an index at the target that the source has tags for."""
        if (known := self._known) is None or not known:
            return []
        # From the target, because reading a manifest counts against the pull limit of some sources.
        with blame(Side.TARGET):
            children = [child.digest for child in (await self._target.fetch_manifest(digest)).children()]
            signed = [child for child in children if known.of(child) or known.has_fallback(child)]
            there = await run_all(map(self._target.resolve, signed)) if self._options.platforms else signed
        return [child for child, found in zip(signed, there, strict=True) if found is not None]

    async def copy(self, found: Found, *, tag: TagProgress) -> None:
        """Bring it to the target, and what refers to it in turn. Raises what may pass by itself."""
        seen: set[str] = set()
        left = _MOST
        while found:
            if len(found) > left:
                self._walk.progress.fail_referrer(tag, found.excess(left))
                found = found.first(left)
            left -= len(found)
            brought = await run_all(
                [
                    *(self._bring(each, tag=tag) for each in found.listed),
                    *(self._bring_tag(name, tag=tag) for name in found.tags),
                ]
            )
            for failure in (failure for each in brought for failure in each.failures):
                self._walk.progress.fail_referrer(tag, failure)
            arrived = dict.fromkeys(digest for each in brought for digest in each.digests if digest not in seen)
            seen.update(arrived)
            found = await self.find(arrived, asks=found.asked)

    async def list_at_target(self, manifest: Manifest, tag: TagProgress) -> None:
        """See that the target lists a manifest which it has, and does not list by itself, with its subject."""
        if subject := subject_of(manifest):
            for failure in await self._keep_listed(Listed(subject), [manifest]):
                self._walk.progress.fail_referrer(tag, failure)

    # At the source.

    async def _companions(self) -> Companions | None:
        return self._known if self._known is not None else await self._listing("", self._list_tags)

    async def _list_tags(self) -> Companions | None:
        try:
            with blame(Side.SOURCE):
                return Companions(await self._source.list_tags())
        except (AuthFailed, NotFound, Unsupported, MalformedAnswer):
            return None  # some registries list for nobody; each tag is asked for then

    async def _list(self, subject: str, companions: Companions | None, *, asks: bool) -> Listed:
        has_fallback = companions is None or companions.has_fallback(subject)
        if not asks and (not has_fallback or fallback_tag(subject) in self._ordinary):
            return Listed(subject)
        return await self._lists(subject, lambda: self._listed(subject, has_fallback=has_fallback))

    async def _listed(self, subject: str, *, has_fallback: bool) -> Listed:
        async with self._list_slots:
            with blame(Side.SOURCE):
                referrers = await self._source.list_referrers(subject, fallback=False)
                if referrers or not has_fallback:
                    return Listed(subject, tuple(referrers))
                index = await fetch_fallback(self._source, subject)
        return Listed(subject, tuple(referrer_entries(index)), index) if index else Listed(subject)

    async def _companion_tags(self, subject: str, companions: Companions | None) -> list[str]:
        if companions is not None:
            return [tag for tag in companions.of(subject) if tag not in self._ordinary]
        names = [fallback_tag(subject) + suffix for suffix in COSIGN_SUFFIXES]
        with blame(Side.SOURCE):
            found = await run_all(self._source.resolve(name) for name in names if name not in self._ordinary)
        return [name for name, descriptor in zip(names, found, strict=True) if descriptor is not None]

    # To the target.

    async def _bring(self, listed: Listed, *, tag: TagProgress) -> _Brought:
        return await self._brought(listed.subject, lambda: self._bring_all(listed, tag=tag))

    async def _bring_all(self, listed: Listed, *, tag: TagProgress) -> _Brought:
        async with self._subject_slots:
            present = await self._present(listed.subject)
            digests = [each.digest for each in listed.referrers if each.digest in present]
            failures: list[ReferrerFailure] = []
            async for brought in self._in_turn(listed, present=present, tag=tag):
                digests += brought.digests
                failures += brought.failures
                failures += await self._keep_listed(listed, brought.unlisted)
            return _Brought(tuple(digests), tuple(failures))

    async def _in_turn(self, listed: Listed, *, present: Collection[str], tag: TagProgress) -> AsyncIterator[_Brought]:
        """A few at a time: a thousand manifests at once would be more than memory holds."""
        missing = iter([each for each in listed.referrers if each.digest not in present])
        while some := list(islice(missing, _AT_ONCE)):
            lots = await run_all(self._bring_one(each, subject=listed.subject, tag=tag) for each in some)
            yield _Brought(
                tuple(digest for lot in lots for digest in lot.digests),
                tuple(failure for lot in lots for failure in lot.failures),
                tuple(manifest for lot in lots for manifest in lot.unlisted),
            )

    async def _present(self, subject: str) -> frozenset[str]:
        """What the target lists already. Where it cannot be asked, everything is sent, which does no harm."""
        if self._walk.is_fresh:
            return frozenset()
        try:
            with blame(Side.TARGET):
                return frozenset(each.digest for each in await self._target.list_referrers(subject))
        except OCIError as error:
            if _may_pass(error):
                raise
            return frozenset()

    async def _bring_one(self, referrer: Descriptor, *, subject: str, tag: TagProgress) -> _Brought:
        try:
            manifest = await self._walk.fetch(referrer)
            if subject_of(manifest) != subject:
                return _Brought()  # anybody can write an index that says so; only it itself can know
            await self._check_let_in(manifest, name=f"@{manifest.digest}")
            choice = Choice(manifest, manifest.digest, tuple(manifest.entries()))
            await self._walk.copy_contents(choice, tag=tag)
            is_listed = await self._walk.push(choice)
        except OCIError as error:
            return _failed(referrer.digest, error)
        self._walk.progress.count(tag, "referrers_copied")
        below = [child.digest for child in choice.children]
        return _Brought((manifest.digest, *below), unlisted=() if is_listed else (manifest,))

    async def _keep_listed(self, listed: Listed, referrers: Sequence[Manifest]) -> tuple[ReferrerFailure, ...]:
        if not referrers or fallback_tag(listed.subject) in self._ordinary:
            return ()
        try:
            with blame(Side.TARGET):
                await self._indexes.add(listed.subject, referrers, original=listed.original)
        except OCIError as error:
            return _failed(fallback_tag(listed.subject), error).failures
        return ()

    async def _bring_tag(self, name: str, *, tag: TagProgress) -> _Brought:
        return await self._brought(name, lambda: self._copy_tag(name, tag=tag))

    async def _copy_tag(self, name: str, *, tag: TagProgress) -> _Brought:
        try:
            with blame(Side.SOURCE):
                found = await self._source.resolve(name)
            if found is None:
                return _Brought()  # it has just gone
            if not await self._has_tag(name, digest=found.digest):
                manifest = await self._walk.fetch(found)
                await self._check_let_in(manifest, name=f":{name}")
                choice = Choice(manifest, manifest.digest, tuple(manifest.entries()))
                await self._walk.copy_contents(choice, tag=tag)
                await self._walk.push(choice, tag=name)
                self._walk.progress.count(tag, "referrers_copied")
        except OCIError as error:
            return _failed(name, error)
        return _Brought((found.digest,))

    async def _check_let_in(self, manifest: Manifest, *, name: str) -> None:
        """What could be run has to meet the signature policy by itself, whatever it calls itself."""
        policy = self._options.signatures
        if policy is not None and manifest.is_runnable:
            reference = f"{self._source.location}/{self._source.name}{name}"
            await check_signatures(self._source, manifest.digest, reference=reference, policy=policy)

    async def _has_tag(self, name: str, *, digest: str) -> bool:
        if self.at_target is not None and name not in self.at_target:
            return False
        with blame(Side.TARGET):
            there = await self._target.resolve(name)
        return there is not None and there.digest == digest


def _failed(name: str, error: OCIError) -> _Brought:
    """The failure for an error that will stay; raises one that may pass."""
    if _may_pass(error):
        raise error
    return _Brought(failures=(ReferrerFailure(name, error.message),))


def _may_pass(error: OCIError) -> bool:
    # Content that is corrupt where it comes from stays so.
    return error.retryable and not isinstance(error, DigestMismatch)
