"""Copies tags from one repository to another: compares first, then walks what has changed.

Checkers ask both sides for the digest of each tag (a HEAD, `comparison.py`); equal means done, and one that the target
lacks is not asked for. Copiers walk the others (`walk.py`), bring along what refers to them (`referrers.py`), and move
the tag last. Both run at the same time; no tag waits for all the others to be compared.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from mirrors.oci.concurrency import first_failure, run_all
from mirrors.oci.content import ContentRepository
from mirrors.oci.copying.comparison import Compared, Comparison
from mirrors.oci.copying.options import CopyOptions
from mirrors.oci.copying.patience import Patience
from mirrors.oci.copying.progress import Action, Progress, ReferrerFailure, TagOutcome, TagProgress
from mirrors.oci.copying.referrers import Found, Referrers
from mirrors.oci.copying.selection import Choice, rewriting_reason
from mirrors.oci.copying.walk import Walk
from mirrors.oci.errors import AuthFailed, ImmutableTag, NotFound, OCIError, Refused, RegistryTimeout, Side
from mirrors.oci.fallback import subject_of
from mirrors.oci.images.companions import subject_key
from mirrors.oci.images.manifest import Manifest
from mirrors.oci.images.platforms import described, no_wanted_platform
from mirrors.oci.signatures.check import check_signatures

log = logging.getLogger(__name__)

_CHECKS_AT_ONCE = 32
_FAILURES_NAMED = 3


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
        self._comparison = Comparison(source, target, walk=self._walk, options=options)
        ordinary = [tag for tag in self._tags if not self._belongs_to_image(tag)]
        self._referrers = Referrers(source, target, walk=self._walk, options=options, ordinary=ordinary)
        self._progress = progress
        self._on_outcome = on_outcome
        self._outcomes: dict[str, TagOutcome] = {}
        self._changes: asyncio.Queue[Compared | None] = asyncio.Queue()
        self._companions: list[Compared] = []
        self._patience = Patience()

    async def copy(self) -> list[TagOutcome]:
        self._progress.tags_total += len(self._tags)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._options.concurrency):
                    group.create_task(self._copier())
                await self._comparison.look_at_target(tags=len(self._tags))
                self._referrers.at_target = self._comparison.at_target
                tags = iter(self._tags)
                await run_all(self._checker(tags) for _ in range(min(_CHECKS_AT_ONCE, len(self._tags))))
                await self._release_companions()
                for _ in range(self._options.concurrency):
                    self._changes.put_nowait(None)
        except BaseExceptionGroup as failures:
            raise first_failure(failures) from None
        finally:
            await self._referrers.close()
            await self._walk.close()
        return [self._outcomes[tag] for tag in self._tags]

    async def _checker(self, tags: Iterator[str]) -> None:
        for tag in tags:
            started = time.monotonic()
            if (given_up := self._given_up(tag)) is not None:
                self._finish(given_up)
                continue
            outcome = await self._guarded(tag, self._check(tag, started=started), started=started)
            if outcome is not None:
                self._finish(outcome)

    async def _release_companions(self) -> None:
        """What belongs to other images is copied after them: some registries want to have its subject first."""
        if self._companions:
            await self._changes.join()
            for change in self._companions:
                self._changes.put_nowait(change)

    async def _copier(self) -> None:
        while (change := await self._changes.get()) is not None:
            counters = TagProgress()
            outcome = self._given_up(change.tag) or await self._copied(change, counters=counters)
            if outcome is not None:
                self._finish(_with_counters(outcome, counters, change=change))
            self._changes.task_done()

    async def _copied(self, change: Compared, *, counters: TagProgress) -> TagOutcome | None:
        self._progress.active[change.tag] = counters
        try:
            return await self._guarded(change.tag, self._copy(change, counters=counters), started=change.started)
        finally:
            del self._progress.active[change.tag]

    def _given_up(self, tag: str) -> TagOutcome | None:
        if (error := self._patience.error) is None:
            return None
        return TagOutcome(tag, Action.FAILED, reason=error.message, error=error)

    def _belongs_to_image(self, tag: str) -> bool:
        """Whether a policy decides about the tag as a part of its image; by itself no signature is signed."""
        return self._options.signatures is not None and subject_key(tag) is not None

    async def _check(self, tag: str, *, started: float) -> TagOutcome | None:
        if self._belongs_to_image(tag):
            reason = "The signature policy lets it in with the image that it belongs to, and not by itself."
            return TagOutcome(tag, Action.SKIPPED, reason=reason)
        compared = await self._comparison.compare(tag, started=started)
        if compared.is_skipped:
            return compared.skipped
        if compared.is_equal and not self._may_have_news(compared):
            return compared.unchanged
        if subject_key(tag) is None:
            self._changes.put_nowait(compared)
        else:
            self._companions.append(compared)
        return None

    def _may_have_news(self, compared: Compared) -> bool:
        return compared.before is not None and self._referrers.may_have_news(
            compared.found, before=compared.before, asks=self._asks_for_referrers(compared.tag)
        )

    def _asks_for_referrers(self, tag: str) -> bool:
        return self._options.check_referrers or tag in self._options.deep

    async def _copy(self, change: Compared, *, counters: TagProgress) -> TagOutcome:
        if change.is_equal:
            found = await self._referrers.find_news(
                change.found, before=str(change.before), asks=self._asks_for_referrers(change.tag)
            )
            await self._referrers.copy(found, tag=counters)
            return replace(change.unchanged, action=Action.COPIED if counters.referrers_copied else Action.UNCHANGED)
        manifest = await self._fetch(change)
        choice = await self._walk.choose(manifest)
        outcome = self._outcome(change, choice)
        if outcome.action is not Action.COPIED:
            return outcome
        if self._options.signatures is not None and choice.manifest.digest != change.before:
            reference = f"{self._source.location}/{self._source.name}:{change.tag}"
            await check_signatures(
                self._source, choice.source_digest, reference=reference, policy=self._options.signatures
            )
        await self._copy_closure(choice, change=change, counters=counters)
        if counters.manifests_copied or counters.referrers_copied:
            return outcome
        return replace(outcome, action=Action.UNCHANGED, reason="")

    async def _copy_closure(self, choice: Choice, *, change: Compared, counters: TagProgress) -> None:
        """Everything that the tag needs, then what refers to it, then the tag."""
        moves = choice.manifest.digest != change.before
        if moves:
            await self._walk.check_target_takes(choice)
        found = await self._copy_contents(choice, counters=counters)
        # What is a referrer itself is listed before its tag moves: nobody would look for it once that is equal.
        if moves and (found.needs_subject or subject_of(choice.manifest)) and not await self._walk.push(choice):
            await self._referrers.list_at_target(choice.manifest, counters)
        await self._referrers.copy(found, tag=counters)
        if moves:
            await self._move_tag(choice, tag=change.tag)
            self._progress.count(counters, "manifests_copied")

    async def _copy_contents(self, choice: Choice, *, counters: TagProgress) -> Found:
        """Everything below the manifest; what refers to it is looked up at the source meanwhile."""
        finding = asyncio.create_task(self._referrers.find(await self._referrers.subjects_in(choice)))
        try:
            await self._walk.copy_contents(choice, tag=counters)
            return await finding
        finally:
            finding.cancel()
            await asyncio.gather(finding, return_exceptions=True)

    async def _move_tag(self, choice: Choice, *, tag: str) -> None:
        try:
            await self._walk.push(choice, tag=tag)
        except (ImmutableTag, Refused, AuthFailed) as error:
            # A target whose tags never move may refuse what it has already.
            if error.side is not Side.TARGET or not await self._target_has(tag, digest=choice.manifest.digest):
                raise

    async def _target_has(self, tag: str, *, digest: str) -> bool:
        with suppress(OCIError):
            there = await self._target.resolve(tag)
            return there is not None and there.digest == digest
        return False

    def _outcome(self, change: Compared, choice: Choice) -> TagOutcome:
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
            if digest == change.before and change.tag not in self._options.deep:
                return replace(outcome, action=Action.UNCHANGED)
            return replace(outcome, reason=rewriting_reason(choice, wanted=wanted))
        return outcome

    async def _fetch(self, change: Compared) -> Manifest:
        if change.source is not None:
            # Where the tag has moved since the HEAD, the registry may have forgotten what it was.
            with suppress(NotFound):
                return await self._walk.fetch(change.source)
        manifest = await self._walk.fetch_tag(change.tag)
        change.source = manifest.descriptor
        return manifest

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


def _with_counters(outcome: TagOutcome, counters: TagProgress, *, change: Compared) -> TagOutcome:
    failed = outcome.action is Action.FAILED
    failures = tuple(counters.failures.values())
    return replace(
        outcome,
        reason=" ".join(filter(None, (outcome.reason, "" if failed else _told(failures)))),
        referrers_copied=counters.referrers_copied,
        referrers_failed=failures,
        source_digest=outcome.source_digest or (change.source.digest if change.source else None),
        target_digest_before=change.before,
        target_digest=change.before if failed else outcome.target_digest,
        media_type=outcome.media_type or (change.source.media_type if change.source else ""),
        bytes_copied=counters.bytes_copied,
        blobs_copied=counters.blobs_copied,
        blobs_present=counters.blobs_present,
        blobs_mounted=counters.blobs_mounted,
    )


def _told(failures: Sequence[ReferrerFailure]) -> str:
    """The sentence about referrers that did not come along; empty for none."""
    if not failures:
        return ""
    named = "; ".join(f"{failure.name}: {failure.reason}" for failure in failures[:_FAILURES_NAMED])
    more = f"; and {len(failures) - _FAILURES_NAMED} more" if len(failures) > _FAILURES_NAMED else ""
    return f"Copied without {len(failures)} of what refers to it. {named}{more}"
