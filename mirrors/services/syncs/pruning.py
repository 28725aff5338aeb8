"""Deleting the target's tags that no pattern selects any more, and the signatures of what goes with them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress

from mirrors import oci
from mirrors.oci import ContentRepository
from mirrors.oci.concurrency import run_all
from mirrors.oci.images.companions import companion_tags, subject_key
from mirrors.oci.images.manifest import INDEX_TYPES
from mirrors.services.syncs.sync_records import SyncRecords

_READ_AT_ONCE = 16


async def prune(target: ContentRepository, *, keep: set[str], records: SyncRecords) -> None:
    """Delete every tag but these; only ever to be called after a complete, faultless run."""
    for tag in await tags_to_delete(target, keep=keep):
        known = records.remembered(tag) or await _described(target, tag)
        await target.delete_tag(tag)
        records.add_deleted(tag, known)


async def _described(target: ContentRepository, tag: str) -> oci.KnownTag | None:
    """What a tag that no sync has brought is at the target, so that it can be restored; None where nobody can tell."""
    with suppress(oci.OCIError):  # what cannot be described can be deleted all the same, or that says why not
        there = await target.resolve(tag)
        return oci.KnownTag("", there.digest) if there else None
    return None


async def tags_to_delete(target: ContentRepository, *, keep: set[str]) -> list[str]:
    """The tags that go when only these are to stay, in the order in which they have to.

    A tag that belongs to a manifest by its name (`sha256-<hex>`, `sha256-<hex>.sig`) goes when a tag of that manifest
    goes, and nothing that stays has it, be it far within an index. Of a manifest that nobody knows, it stays.
    """
    try:
        present = await target.list_tags()
    except oci.NotFound:  # every tag was skipped, so nothing has made the repository yet
        return []
    stale = [tag for tag in present if tag not in keep]
    companions = {tag for tag in stale if subject_key(tag) is not None}
    kept = {tag for tag in present if tag in keep}
    below = _Below(target)
    doomed = [tag for tag in stale if tag not in companions]
    gone = await below.of(doomed) if companions else set[str]()
    orphans = await _orphans(gone, companions, staying=kept, below=below)
    while orphans:
        doomed += sorted(orphans)
        companions -= orphans
        gone |= await below.of(orphans)
        # An SBOM may belong to several images. Nobody tags an image like that, so these are not read before.
        orphans = await _orphans(gone, companions, staying=kept | companions, below=below)
    # What belongs to others first: once these are gone, nobody could tell that it does.
    return doomed[::-1]


async def _orphans(gone: set[str], companions: set[str], *, staying: set[str], below: _Below) -> set[str]:
    """The companions of what is gone and is below no tag that stays; those are read only if there are any."""
    orphans = companion_tags(gone, companions)
    if orphans:
        gone = gone - await below.of(staying - orphans)
    return companion_tags(gone, orphans)


class _Below:
    """The digests of each tag's manifest and of all below it, read once."""

    def __init__(self, target: ContentRepository) -> None:
        self._target = target
        self._slots = asyncio.Semaphore(_READ_AT_ONCE)
        self._known: dict[str, set[str]] = {}

    async def of(self, tags: Collection[str]) -> set[str]:
        """Those of all these tags together; of what cannot be read nothing is known."""
        unread = [tag for tag in tags if tag not in self._known]
        self._known.update(zip(unread, await run_all(self._read(tag) for tag in unread), strict=True))
        return {digest for tag in tags for digest in self._known[tag]}

    async def _read(self, tag: str) -> set[str]:
        digests: set[str] = set()
        waiting = [tag]
        async with self._slots:
            while waiting:
                with suppress(oci.NotFound, oci.Unsupported, oci.MalformedAnswer):
                    manifest = await self._target.fetch_manifest(waiting.pop())
                    digests.add(manifest.digest)
                    nested = (each for each in manifest.children() if each.media_type in INDEX_TYPES)
                    waiting += [each.digest for each in nested if each.digest not in digests]
                    digests.update(each.digest for each in manifest.children())
        return digests
