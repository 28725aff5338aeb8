"""Copies tags from one repository to another: compares first, then walks what has changed.

Checkers ask both sides for the digest of each tag (a HEAD); equal means done. Copiers walk the others
(`walk.py`), and move the tag last. Both run at the same time; no tag waits for all the others to be compared.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mirrors.oci.concurrency import first_failure, run_all
from mirrors.oci.content import ContentRepository
from mirrors.oci.errors import Code, NotFound, OCIError, RegistryTimeout, Side, blame
from mirrors.oci.manifest import INDEX_TYPES, Descriptor, Manifest
from mirrors.oci.options import CopyOptions, KnownTag
from mirrors.oci.platforms import described, no_wanted_platform
from mirrors.oci.progress import Action, Progress, TagOutcome, TagProgress
from mirrors.oci.selection import Choice, rewriting_reason
from mirrors.oci.walk import Walk

log = logging.getLogger(__name__)

_CHECKS_AT_ONCE = 16
_WORTH_LISTING = 8
_FAILURES_IN_A_ROW = 20


@dataclass(frozen=True, slots=True)
class _Change:
    """A tag that has to be copied: what it is at the source, what it is at the target."""

    tag: str
    source: Descriptor
    before: str | None
    started: float


class _Patience:
    """Runs out where a side has failed many tags in a row in a way that the next tag will not escape.

    error: what the rest then fails with at once; a dead host would else cost its timeouts for each of 5 000 tags.
    """

    _HOPELESS = frozenset(
        {Code.CONNECTION, Code.TIMEOUT, Code.DNS, Code.TLS, Code.AUTH_FAILED, Code.RATE_LIMITED, Code.BLOCKED_SOURCE}
    )

    def __init__(self) -> None:
        self._failures = 0
        self.error: OCIError | None = None

    def learn(self, outcome: TagOutcome) -> None:
        """Take note of a tag's end."""
        error = outcome.error
        if error is None or error.side is None or error.code not in self._HOPELESS:
            self._failures = 0
            return
        self._failures += 1
        if self._failures >= _FAILURES_IN_A_ROW:
            self.error = error


async def copy_tags(
    source: ContentRepository,
    target: ContentRepository,
    tags: Sequence[str],
    *,
    options: CopyOptions | None = None,
    progress: Progress | None = None,
    on_outcome: Callable[[TagOutcome], None] | None = None,
) -> list[TagOutcome]:
    """Make these tags of the target equal to the source's; one outcome per tag, in order.

    progress: live counters. on_outcome: called at each tag's end; what it raises ends the copy.

    A tag that fails does not stop the others: its outcome has the error. Cancelling ends every part before it returns.
    """
    run = _Run(
        source, target, tags, options=options or CopyOptions(), progress=progress or Progress(), on_outcome=on_outcome
    )
    return await run.copy()


class _Run:
    def __init__(
        self,
        source: ContentRepository,
        target: ContentRepository,
        tags: Sequence[str],
        *,
        options: CopyOptions,
        progress: Progress,
        on_outcome: Callable[[TagOutcome], None] | None,
    ) -> None:
        self._source = source
        self._target = target
        self._tags = list(dict.fromkeys(tags))
        self._options = options
        self._walk = Walk(source, target, options=options, progress=progress)
        self._progress = progress
        self._on_outcome = on_outcome
        self._outcomes: dict[str, TagOutcome] = {}
        self._changes: asyncio.Queue[_Change | None] = asyncio.Queue()
        self._at_target: frozenset[str] | None = None
        self._patience = _Patience()

    async def copy(self) -> list[TagOutcome]:
        self._progress.tags_total += len(self._tags)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._options.concurrency):
                    group.create_task(self._copier())
                await self._look_at_target()
                tags = iter(self._tags)
                await run_all(self._checker(tags) for _ in range(min(_CHECKS_AT_ONCE, len(self._tags))))
                for _ in range(self._options.concurrency):
                    self._changes.put_nowait(None)
        except BaseExceptionGroup as failures:
            raise first_failure(failures) from None
        finally:
            await self._walk.close()
        return [self._outcomes[tag] for tag in self._tags]

    async def _look_at_target(self) -> None:
        """One list saves a HEAD for each tag that is new; on a first copy, for every tag, child and small blob."""
        if len(self._tags) < _WORTH_LISTING and not self._options.known:
            return
        try:
            self._at_target = frozenset(await self._target.list_tags())
        except NotFound:
            self._at_target = frozenset()
            self._walk.expect_nothing()
        except OCIError:
            # Some registries list for nobody. Each tag is asked for then, and a real fault shows there.
            self._at_target = None

    async def _checker(self, tags: Iterator[str]) -> None:
        for tag in tags:
            started = time.monotonic()
            if (given_up := self._given_up(tag)) is not None:
                self._finish(given_up)
                continue
            outcome = await self._guarded(tag, self._check(tag, started=started), started=started)
            if outcome is not None:
                self._finish(outcome)

    async def _copier(self) -> None:
        while (change := await self._changes.get()) is not None:
            counters = TagProgress()
            outcome = self._given_up(change.tag) or await self._copied(change, counters=counters)
            if outcome is not None:
                self._finish(_with_counters(outcome, counters, change=change))

    async def _copied(self, change: _Change, *, counters: TagProgress) -> TagOutcome | None:
        self._progress.active[change.tag] = counters
        try:
            return await self._guarded(change.tag, self._copy(change, counters=counters), started=change.started)
        finally:
            del self._progress.active[change.tag]

    def _given_up(self, tag: str) -> TagOutcome | None:
        if (error := self._patience.error) is None:
            return None
        return TagOutcome(tag, Action.FAILED, reason=error.message, error=error)

    async def _check(self, tag: str, *, started: float) -> TagOutcome | None:
        with blame(Side.SOURCE):
            found = await self._source.resolve(tag)
            if found is None:
                raise NotFound(f"{self._source.location} has no tag {tag} in {self._source.name}. It may just be gone.")
        known = self._known(tag, source_digest=found.digest)
        before = known.target_digest if known else await self._before(tag)
        looks_inside = self._options.deep and found.media_type in INDEX_TYPES
        is_rewritten = known is not None and self._walk.selection.may_rewrite(found.media_type)
        if not looks_inside and (before == found.digest or is_rewritten):
            return TagOutcome(
                tag,
                Action.UNCHANGED,
                found.digest,
                before,
                before,
                found.media_type,
                rewritten=before != found.digest,
            )
        self._changes.put_nowait(_Change(tag, found, before, started))
        return None

    def _known(self, tag: str, *, source_digest: str) -> KnownTag | None:
        """What an earlier copy left of this tag, while it is the same at the source and listed at the target."""
        known = None if self._options.deep else self._options.known.get(tag)
        if known is None or known.source_digest != source_digest or tag not in (self._at_target or ()):
            return None
        return known

    async def _before(self, tag: str) -> str | None:
        """The digest that the tag has at the target, or None."""
        if self._at_target is not None and tag not in self._at_target:
            return None
        with blame(Side.TARGET):
            there = await self._target.resolve(tag)
        return there.digest if there else None

    async def _copy(self, change: _Change, *, counters: TagProgress) -> TagOutcome:
        manifest = await self._fetch(change)
        choice = await self._walk.choose(manifest)
        outcome = self._outcome(change, choice)
        if outcome.action is not Action.COPIED:
            return outcome
        if choice.manifest.digest != change.before:
            await self._walk.check_target_takes(choice)
        await self._walk.copy_contents(choice, tag=counters)
        if choice.manifest.digest != change.before:
            await self._walk.push(choice, tag=change.tag)
            self._progress.count(counters, "manifests_copied")
        return outcome if counters.manifests_copied else replace(outcome, action=Action.UNCHANGED, reason="")

    def _outcome(self, change: _Change, choice: Choice) -> TagOutcome:
        """The tag's end if all goes well, as far as what was chosen of it decides. Raises PlatformMismatch."""
        wanted = self._options.platforms
        digest = choice.manifest.digest
        outcome = TagOutcome(change.tag, Action.COPIED, choice.source_digest, change.before, digest)
        outcome = replace(outcome, media_type=choice.manifest.media_type, rewritten=choice.is_rewritten)
        if not choice.is_wanted:
            if choice.manifest.is_index:
                raise no_wanted_platform(change.tag, wanted=wanted, available=choice.available)
            reason = f"Its only platform, {''.join(choice.available)}, is not wanted: {described(wanted)}."
            return replace(outcome, action=Action.SKIPPED, target_digest=change.before, reason=reason)
        if choice.is_rewritten:
            if digest == change.before and not self._options.deep:
                return replace(outcome, action=Action.UNCHANGED)
            return replace(outcome, reason=rewriting_reason(choice, wanted=wanted))
        return outcome

    async def _fetch(self, change: _Change) -> Manifest:
        try:
            return await self._walk.fetch(change.source)
        except NotFound:
            # The tag has moved since the HEAD, and the registry has forgotten what it was.
            with blame(Side.SOURCE):
                return await self._source.fetch_manifest(change.tag)

    async def _guarded(
        self, tag: str, work: Coroutine[Any, Any, TagOutcome | None], *, started: float
    ) -> TagOutcome | None:
        """The outcome of the work; whatever goes wrong in it is the end of this tag only."""
        error: OCIError
        try:
            async with asyncio.timeout(self._options.tag_timeout):
                outcome = await work
                return outcome and replace(outcome, seconds=time.monotonic() - started)
        except OCIError as raised:
            error = raised
        except TimeoutError:
            error = RegistryTimeout(
                f"{tag} was not copied within {self._options.tag_timeout:g} seconds. Raise the timeout of the mirror, "
                "or find out which side is slow."
            )
        except Exception:  # a mistake of ours costs this tag, not the whole copy
            log.exception("copying %s of %s failed", tag, self._source.name)
            error = OCIError(
                f"{tag} was not copied because of a mistake in Mirrorfarm. The log of the worker has more."
            )
        return TagOutcome(tag, Action.FAILED, seconds=time.monotonic() - started, reason=error.message, error=error)

    def _finish(self, outcome: TagOutcome) -> None:
        self._outcomes[outcome.tag] = outcome
        self._patience.learn(outcome)
        self._progress.finish(outcome)
        if self._on_outcome is not None:
            self._on_outcome(outcome)


def _with_counters(outcome: TagOutcome, counters: TagProgress, *, change: _Change) -> TagOutcome:
    failed = outcome.action is Action.FAILED
    return replace(
        outcome,
        source_digest=outcome.source_digest or change.source.digest,
        target_digest_before=change.before,
        target_digest=change.before if failed else outcome.target_digest,
        media_type=outcome.media_type or change.source.media_type,
        bytes_copied=counters.bytes_copied,
        blobs_copied=counters.blobs_copied,
        blobs_present=counters.blobs_present,
        blobs_mounted=counters.blobs_mounted,
    )
