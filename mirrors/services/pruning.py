"""Deleting the target's tags that no pattern selects any more, and the signatures of what goes with them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable

from mirrors import oci
from mirrors.oci import ContentRepository
from mirrors.oci.companions import companion_tags, subject_key
from mirrors.oci.concurrency import run_all
from mirrors.services.sync_records import SyncRecords

_READ_AT_ONCE = 16


async def prune(target: ContentRepository, *, keep: set[str], records: SyncRecords) -> None:
    """Delete every tag but these; only ever to be called after a complete, faultless run.

    A tag that belongs to a manifest by its name (`sha256-<hex>`, `sha256-<hex>.sig`) goes when a tag of that manifest
    goes, and no tag that stays has it, be it within an index. Of a manifest that nobody knows, it stays.
    """
    try:
        present = await target.list_tags()
    except oci.NotFound:  # every tag was skipped, so nothing has made the repository yet
        return
    stale = [tag for tag in present if tag not in keep]
    companions = {tag for tag in stale if subject_key(tag) is not None}
    gone: set[str] = set()
    for tag in stale:
        if tag not in companions:
            gone |= await _delete(target, tag, records=records, reads=bool(companions))
    if companion_tags(gone, companions):
        gone -= await _digests_below(target, [tag for tag in present if tag in keep])
    while orphans := companion_tags(gone, companions):
        companions -= orphans
        for tag in sorted(orphans):
            gone |= await _delete(target, tag, records=records, reads=True)


async def _delete(target: ContentRepository, tag: str, *, records: SyncRecords, reads: bool) -> set[str]:
    """Delete the tag; the digests of what it was, read before where that is wanted."""
    digests = await _digests_below(target, [tag]) if reads else set()
    await target.delete_tag(tag)
    records.add_deleted(tag)
    return digests


async def _digests_below(target: ContentRepository, tags: Collection[str]) -> set[str]:
    slots = asyncio.Semaphore(_READ_AT_ONCE)

    async def read(tag: str) -> Iterable[str]:
        async with slots:
            try:
                manifest = await target.fetch_manifest(tag)
            except oci.NotFound:
                return ()
        return manifest.digest, *(child.digest for child in manifest.children())

    return {digest for digests in await run_all(read(tag) for tag in tags) for digest in digests}
