"""Looking at both registries for a preview: the same comparison as a sync's, and nothing is written anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from mirrors import oci
from mirrors.oci import ContentRepository, Descriptor, Manifest, OCIError, Side
from mirrors.oci.concurrency import Once, run_all
from mirrors.oci.copying.comparison import Compared, Comparison
from mirrors.oci.copying.selection import Choice
from mirrors.oci.copying.walk import Walk
from mirrors.oci.images.manifest import INDEX_TYPES, MANIFEST_TYPES
from mirrors.services.mirroring.preview_findings import Fate, Findings
from mirrors.services.syncs import connections
from mirrors.services.syncs.pruning import tags_to_delete
from mirrors.tag_filters import explain_tags

DEADLINE = 60.0
"""Seconds for one preview; what was found by then is the answer."""
TAGS_COMPARED = 5000
TAGS_MEASURED = 50
_TAGS_AT_ONCE = 16
_FOR_ALL_TAGS = frozenset({oci.Code.AUTH_FAILED, oci.Code.RATE_LIMITED, oci.Code.CONNECTION, oci.Code.TIMEOUT})
"""What ends the comparison: the next tag would fare no better."""
_REQUESTS_OF_A_BLOB = 3  # asked for, upload begun, upload ended
_NO_ANSWER = "{host} did not list its tags within {seconds:.0f} seconds. Try again, or look at the connection."


@dataclass(frozen=True)
class Question:
    """Both ends, the rules, and how a sync would copy.

    kept: tags that stay whether they match or not. settled: those copied or compared with just these settings.
    """

    source: connections.Location
    target: connections.Location
    patterns: list[str]
    kept: frozenset[str]
    options: oci.CopyOptions
    settled: frozenset[str]


async def look(question: Question, findings: Findings) -> None:
    """Fill the findings; raises OCIError where not even the source's tags could be listed."""
    try:
        async with asyncio.timeout(DEADLINE):
            async with (
                connections.opened(question.source, side=Side.SOURCE) as source,
                connections.opened(question.target, side=Side.TARGET) as target,
            ):
                await _look(question, source, target, findings)
    except TimeoutError as error:
        if not findings.is_listed:
            raise oci.RegistryTimeout(
                _NO_ANSWER.format(host=question.source.host, seconds=DEADLINE), side=Side.SOURCE
            ) from error
        findings.notes.append(f"After {DEADLINE:.0f} seconds the preview ended; not everything was looked at.")


async def _look(question: Question, source: ContentRepository, target: ContentRepository, findings: Findings) -> None:
    listed = await source.list_tags()
    selected = findings.begin(explain_tags(listed, question.patterns), patterns=question.patterns)
    findings.source_requests, findings.target_requests = 1, 1
    if not selected:
        findings.notes.append("No tag matches, so nothing would be copied, and nothing deleted.")
        findings.is_complete = True
        return
    options = replace(question.options, deep=frozenset(selected) - question.settled, source_tags=frozenset(listed))
    await _plan_deletions(target, keep=set(selected) | question.kept, findings=findings)
    walk = Walk(source, target, options=options, progress=oci.Progress())
    try:
        comparison = Comparison(source, target, walk=walk, options=options)
        await comparison.look_at_target(tags=len(selected))
        looked = selected[:TAGS_COMPARED]
        changed = await _compare(looked, comparison, findings)
        await _measure(changed, walk, target, options, findings)
    finally:
        await walk.close()
    if findings.of(Fate.NOT_COMPARED) and len(looked) == len(selected):
        findings.notes.append("The remaining tags were not compared.")
    elif len(looked) < len(selected):
        findings.notes.append(f"Only the first {len(looked)} of {len(selected)} matching tags were compared.")
    elif findings.measured == findings.changed:
        findings.is_complete = True
    else:
        findings.notes.append(
            f"Bytes and requests are of {findings.measured} of the {findings.changed} tags that would be copied."
        )


async def _plan_deletions(target: ContentRepository, *, keep: set[str], findings: Findings) -> None:
    try:
        doomed = await tags_to_delete(target, keep=keep)
    except OCIError as error:
        findings.notes.append(f"Which tags would be deleted is not known. {error.message}")
        return
    for tag in doomed:
        findings.decide(tag, Fate.DELETED, "The target has it, and no sync would keep it there.")


async def _compare(tags: list[str], comparison: Comparison, findings: Findings) -> list[Compared]:
    """Those that would be copied or moved, or need a look inside."""
    slots = asyncio.Semaphore(_TAGS_AT_ONCE)
    changed: list[Compared] = []
    given_up: dict[oci.Code, str] = {}

    async def compare(tag: str) -> None:
        async with slots:
            if given_up:
                return
            try:
                compared = await comparison.compare(tag, started=0.0)
            except OCIError as error:
                findings.decide(tag, Fate.FAILED, error.message)
                given_up.update({error.code: error.message} if error.code in _FOR_ALL_TAGS else {})
                return
            _decide(compared, findings, changed)

    await run_all(compare(tag) for tag in tags)
    findings.notes += given_up.values()
    findings.changed = len(changed)
    return sorted(changed, key=lambda compared: compared.tag)


def _decide(compared: Compared, findings: Findings, changed: list[Compared]) -> None:
    source = compared.source.digest if compared.source else None
    digests = {"source_digest": source, "target_digest": compared.before}
    findings.source_requests += compared.source is not None
    findings.target_requests += compared.before is not None
    if compared.is_skipped:
        findings.decide(compared.tag, Fate.SKIPPED, compared.skipped.reason, **digests)
    elif compared.is_equal:
        findings.decide(compared.tag, Fate.UNCHANGED, "The target has the same.", bytes=0, **digests)
    else:
        changed.append(compared)
        if compared.before is None:
            findings.decide(compared.tag, Fate.COPIED, "The target lacks it.", **digests)
        elif compared.before == source:
            reason = "Its digest is the same; with these settings its content is looked through."
            findings.decide(compared.tag, Fate.UNCHANGED, reason, **digests)
        else:
            findings.decide(compared.tag, Fate.MOVED, "The target has another digest.", **digests)


async def _measure(
    changed: list[Compared], walk: Walk, target: ContentRepository, options: oci.CopyOptions, findings: Findings
) -> None:
    measure = _Measure(walk, target, options, findings)
    try:
        for compared in changed[:TAGS_MEASURED]:
            try:
                await measure.tag(compared)
            except OCIError as error:
                findings.decide(compared.tag, Fate.FAILED, error.message)
            findings.measured += 1
    finally:
        await measure.close()


class _Measure:
    """Counts what tags lack at the target; content that several of them share counts for the first."""

    def __init__(self, walk: Walk, target: ContentRepository, options: oci.CopyOptions, findings: Findings) -> None:
        self._walk = walk
        self._target = target
        self._options = options
        self._findings = findings
        self._seen: set[str] = set()
        self._present: Once[bool] = Once()

    async def close(self) -> None:
        """Cancel whatever is under way."""
        await self._present.close()

    async def tag(self, compared: Compared) -> None:
        """What would become of it, now that its content is known."""
        found = compared.source
        manifest = await (self._walk.fetch_tag(compared.tag) if found is None else self._walk.fetch(found))
        self._findings.source_pulls += 1
        self._findings.source_requests += 1
        choice = await self._walk.choose(manifest)
        known = {"source_digest": manifest.digest, "target_digest": compared.before}
        if not choice.is_wanted:
            available = ", ".join(sorted(choice.available)) or "none with a name"
            self._findings.decide(
                compared.tag, Fate.SKIPPED, f"None of its platforms is wanted: {available}.", bytes=0, **known
            )
            return
        missing = await self._below(choice, depth=0)
        self._findings.bytes_to_copy += missing
        fate = _fate(compared, choice, missing=missing)
        self._findings.target_requests += fate is not Fate.UNCHANGED
        self._findings.decide(compared.tag, fate, _platforms(choice), bytes=missing, **known)

    async def _below(self, choice: Choice, *, depth: int) -> int:
        """The bytes of the blobs that this manifest and its chosen children need and the target lacks."""
        if not choice.manifest.is_index:
            return await self._of_blobs(choice.manifest)
        sizes = [await self._of_child(child, depth=depth + 1) for child in choice.children]
        return sum(sizes)

    async def _of_child(self, child: Descriptor, *, depth: int) -> int:
        if child.digest in self._seen:
            return 0
        if child.media_type not in MANIFEST_TYPES:
            return await self._of_blob(child)
        self._seen.add(child.digest)
        is_index = child.media_type in INDEX_TYPES
        if not is_index and await self._has(child.digest, lambda: self._has_manifest(child.digest)):
            return 0
        manifest = await self._walk.fetch(child)
        self._findings.source_pulls += 1
        self._findings.source_requests += 1
        self._findings.target_requests += 1
        if not is_index:
            return await self._of_blobs(manifest)
        return await self._below(await self._walk.selection.choose(manifest, depth=depth), depth=depth)

    async def _of_blobs(self, manifest: Manifest) -> int:
        blobs = {blob.digest: blob for blob in manifest.blobs() if self._options.foreign_layers or not blob.is_foreign}
        return sum(await run_all(self._of_blob(blob) for blob in blobs.values()))

    async def _of_blob(self, blob: Descriptor) -> int:
        if blob.digest in self._seen:
            return 0
        self._seen.add(blob.digest)
        if await self._has(blob.digest, lambda: self._target.has_blob(blob.digest)):
            return 0
        self._findings.source_requests += 1
        self._findings.target_requests += _REQUESTS_OF_A_BLOB
        return blob.size

    async def _has_manifest(self, digest: str) -> bool:
        return await self._target.resolve(digest) is not None

    async def _has(self, digest: str, ask: Callable[[], Coroutine[Any, Any, bool]]) -> bool:
        return not self._walk.is_fresh and await self._present(digest, ask)


def _fate(compared: Compared, choice: Choice, *, missing: int) -> Fate:
    if compared.before is None:
        return Fate.COPIED
    if compared.before != choice.manifest.digest:
        return Fate.MOVED
    return Fate.COPIED if missing else Fate.UNCHANGED


def _platforms(choice: Choice) -> str:
    if choice.images == choice.images_at_source:
        return ""
    return f"{choice.images} of its {choice.images_at_source} images are of a wanted platform."
