"""What is behind a tag: an image or an index, how large, how complete."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from mirrors import oci
from mirrors.oci import ContentRepository, Descriptor, Manifest, OCIError, Store
from mirrors.oci.concurrency import run_all
from mirrors.oci.images.manifest import INDEX_TYPES

AT_ONCE = 16


@dataclass(frozen=True)
class Content:
    """A manifest. size: bytes of what it is made of, of an index those of its children that are here; None: not known.

    children: of an index, its manifests' digests, and whether each is here; None where the index was not read.
    """

    digest: str
    media_type: str = ""
    is_index: bool = False
    size: int | None = None
    children: dict[str, bool] | None = None


def stored_content(store: Store, name: str, tag: str) -> Content | None:
    """Read from the built-in store; None where the tag is not there."""
    found = store.find_manifest(name, tag)
    if found is None:
        return None
    try:
        manifest = found.read_manifest()
    except (OCIError, FileNotFoundError):  # damaged, or collected at this very moment
        return Content(found.digest, found.media_type)
    if not manifest.is_index:
        return Content(manifest.digest, manifest.media_type, size=_size(manifest))
    children = {digest: store.find_manifest(name, digest) is not None for digest in _children(manifest)}
    _, blobs = store.walk(name, [manifest.digest])
    size = sum(blob.size for blob in blobs.values())
    return Content(manifest.digest, manifest.media_type, is_index=True, size=size, children=children)


async def remote_contents(
    target: ContentRepository, tags: Collection[str], *, may_be_sparse: bool
) -> dict[str, Content]:
    """Read from a registry, a request for each tag; of what is not there nothing.

    may_be_sparse: ask for each child of an index too; else all of them count as being there.
    Where the registry counts fetches, only digests are asked for.
    """
    slots = asyncio.Semaphore(AT_ONCE)
    read = await run_all(_read(target, tag, slots=slots) for tag in tags)
    found = {tag: what for tag, what in zip(tags, read, strict=True) if what is not None}
    manifests = [each for each in found.values() if isinstance(each, Manifest)]
    asked = sorted({digest for each in manifests for digest in _children(each)}) if may_be_sparse else []
    here = await run_all(_is_here(target, digest, slots=slots) for digest in asked)
    missing = {digest for digest, is_here in zip(asked, here, strict=True) if not is_here}
    return {tag: _remote(what, missing) for tag, what in found.items()}


async def _read(target: ContentRepository, tag: str, *, slots: asyncio.Semaphore) -> Manifest | Descriptor | None:
    async with slots:
        try:
            if not target.counts_fetches:
                return await target.fetch_manifest(tag)
        except oci.NotFound:
            return None
        except (oci.Unsupported, oci.MalformedAnswer):  # something that cannot be read still has a digest
            pass
        return await target.resolve(tag)


async def _is_here(target: ContentRepository, digest: str, *, slots: asyncio.Semaphore) -> bool:
    async with slots:
        return await target.resolve(digest) is not None


def _remote(found: Manifest | Descriptor, missing: Collection[str]) -> Content:
    if isinstance(found, Descriptor):
        return Content(found.digest, found.media_type, is_index=found.media_type in INDEX_TYPES)
    if not found.is_index:
        return Content(found.digest, found.media_type, size=_size(found))
    children = {digest: digest not in missing for digest in _children(found)}
    return Content(found.digest, found.media_type, is_index=True, children=children)


def _children(manifest: Manifest) -> list[str]:
    with suppress(OCIError):  # what cannot be read is shown without them
        return [child.digest for child in manifest.children()]
    return []


def _size(manifest: Manifest) -> int | None:
    with suppress(OCIError):
        return sum(blob.size for blob in manifest.blobs())
    return None
