"""What is behind a tag: an image or an index, how large, how complete."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from mirrors import oci
from mirrors.oci import ContentRepository, Descriptor, Manifest, OCIError, Store
from mirrors.oci.concurrency import run_all
from mirrors.oci.images.manifest import INDEX_TYPES
from mirrors.oci.store.files import StoredContent

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


@dataclass(frozen=True)
class _Parts:
    """What a manifest names: blobs with their sizes, and the manifests of an index."""

    is_index: bool
    blobs: tuple[tuple[str, int], ...]
    children: tuple[str, ...]


def stored_content(store: Store, name: str, tag: str) -> Content | None:
    """Read from the built-in store; None where the tag is not there."""
    found = store.find_manifest(name, tag)
    if found is None:
        return None
    try:
        parts = _parts_of(found)
    except (OCIError, FileNotFoundError):  # damaged, or collected at this very moment
        return Content(found.digest, found.media_type)
    children = {digest: store.find_manifest(name, digest) for digest in parts.children}
    blobs = dict(parts.blobs) | _blobs_below(store, name, [child for child in children.values() if child])
    presence = {digest: child is not None for digest, child in children.items()}
    return Content(
        found.digest,
        found.media_type,
        is_index=parts.is_index,
        size=sum(blobs.values()),
        children=presence if parts.is_index else None,
    )


@lru_cache(maxsize=5000)
def _parts_of(stored: StoredContent) -> _Parts:
    """Kept by digest and path: what is under a digest never changes, and pages are looked at again and again."""
    manifest = stored.read_manifest()
    blobs = tuple((blob.digest, blob.size) for blob in manifest.blobs())
    return _Parts(manifest.is_index, blobs, tuple(child.digest for child in manifest.children()))


def _blobs_below(store: Store, name: str, manifests: list[StoredContent]) -> dict[str, int]:
    """The sizes of all blobs that these reach, by digest; of what cannot be read none."""
    blobs: dict[str, int] = {}
    seen: set[str] = set()
    while manifests:
        manifest = manifests.pop()
        if manifest.digest in seen:
            continue
        seen.add(manifest.digest)
        with suppress(OCIError, FileNotFoundError):
            parts = _parts_of(manifest)
            blobs |= dict(parts.blobs)
            found = (store.find_manifest(name, digest) for digest in parts.children)
            manifests += [child for child in found if child]
    return blobs


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
