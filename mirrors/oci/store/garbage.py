"""Garbage collection of the built-in store, safe beside any number of running syncs.

A sync counts on what it has found or written but not tagged yet. Finding and writing touch the files concerned
(files.py), so everything younger than the oldest running sync is spared. What is older may still be found by a
sync at this very moment; therefore each removal looks at the age again, under the lock that touching takes as well.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from mirrors.oci.errors import OCIError
from mirrors.oci.images.manifest import INDEX_TYPES
from mirrors.oci.store.files import BLOBS, MANIFESTS, REFERRERS, TAGS, Store, referrer_digest

BATCH = 100
"""Files removed under one hold of the lock: some milliseconds, so that no sync waits for long."""


@dataclass(frozen=True, slots=True)
class GarbageReport:
    """What a collection removed: files of content, their bytes, links to content, abandoned partial files."""

    blobs_removed: int
    bytes_freed: int
    links_removed: int
    partials_removed: int


def collect_garbage(store: Store, *, untouched_since: datetime) -> GarbageReport:
    """Remove what no tag reaches and nobody has touched since then.

    untouched_since: timezone-aware; the start of the oldest running sync, or now when none is running.
    """
    before = int(untouched_since.timestamp() * 1_000_000_000)
    links = sum(_collect_links(store, name, before=before) for name in list(store.repositories()))
    links += sum(_collect_referrers(store, name, before=before) for name in list(store.repositories()))
    linked = {digest for name in store.repositories() for digest in _linked(store, name)}
    loose = (path for path in _content(store) if f"{path.parent.parent.name}:{path.name}" not in linked)
    sizes = [size for batch in _batches(loose) for size in _remove_old(store, batch, before=before)]
    partials = _remove_old(store, _children(store.root / "incoming"), before=before)
    return GarbageReport(len(sizes), sum(sizes), links, len(partials))


def _collect_links(store: Store, name: str, *, before: int) -> int:
    manifests, blobs = _unreachable(store, name, before=before)
    media_types = {digest: found.media_type for digest in manifests if (found := store.find_manifest(name, digest))}
    indexes = [digest for digest in manifests if media_types.get(digest) in INDEX_TYPES]
    images = [digest for digest in manifests if digest not in set(indexes)]
    # Parents go before children, and the indexes (which nest) at once: nobody ever finds a whole above missing parts.
    lots = [[store.link(name, MANIFESTS, digest) for digest in indexes]]
    lots += _batches(store.link(name, MANIFESTS, digest) for digest in images)
    lots += _batches(store.link(name, BLOBS, digest) for digest in blobs)
    return sum(len(_remove_old(store, lot, before=before)) for lot in lots)


def _collect_referrers(store: Store, name: str, *, before: int) -> int:
    """Remove what says of manifests that are gone what they referred to."""
    subjects = (subject for algorithm in _children(store.folder(name) / REFERRERS) for subject in _children(algorithm))
    links = (link for subject in subjects for link in _children(subject))
    stale = (link for link in links if not store.link(name, MANIFESTS, referrer_digest(link.name)).exists())
    return sum(len(_remove_old(store, lot, before=before)) for lot in _batches(stale))


def _unreachable(store: Store, name: str, *, before: int) -> tuple[list[str], list[str]]:
    """The manifests and blobs that neither a tag nor anything recently touched reaches."""
    manifests, blobs = _links(store, name, MANIFESTS), _links(store, name, BLOBS)
    roots = {found.digest for tag in _tags(store, name) if (found := store.find_manifest(name, tag))}
    roots |= {digest for digest in manifests if not _is_old(store.link(name, MANIFESTS, digest), before)}
    kept, kept_blobs = _walk_with_referrers(store, name, roots, manifests)
    return [item for item in manifests if item not in kept], [item for item in blobs if item not in kept_blobs]


def _walk_with_referrers(store: Store, name: str, roots: set[str], manifests: list[str]) -> tuple[set[str], set[str]]:
    """Everything reached, where a referrer (a signature, an SBOM) lives as long as its subject."""
    subjects = {digest: subject for digest in manifests if (subject := _subject(store, name, digest))}
    kept, blobs = store.walk(name, roots)
    kept |= roots  # a damaged manifest reaches nothing, but its tag must not be left pointing nowhere
    while referrers := {digest for digest, subject in subjects.items() if subject in kept and digest not in kept}:
        more, more_blobs = store.walk(name, referrers)
        kept |= more | referrers
        blobs |= more_blobs
    return kept, set(blobs)


def _subject(store: Store, name: str, digest: str) -> str | None:
    found = store.find_manifest(name, digest)
    try:
        subject = found.read_manifest().document.get("subject") if found else None
    except OCIError:
        return None
    return subject.get("digest") if isinstance(subject, dict) else None


def _remove_old(store: Store, paths: Iterable[Path], *, before: int) -> list[int]:
    """Remove these files where they are still old, in one hold of the lock; the sizes of those removed."""
    removed: list[int] = []
    if not (waiting := list(paths)):
        return removed
    with store.locked(exclusive=True):
        for path in waiting:
            if _is_old(path, before):
                removed.append(path.stat().st_size)
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
    return removed


def _is_old(path: Path, before: int) -> bool:
    """Whether the file exists and was last touched before that time, in nanoseconds."""
    try:
        return path.stat().st_mtime_ns < before
    except FileNotFoundError:
        return False


def _tags(store: Store, name: str) -> list[str]:
    return [path.name for path in _children(store.folder(name) / TAGS)]


def _links(store: Store, name: str, kind: str) -> list[str]:
    folder = store.folder(name) / kind
    return [f"{algorithm.name}:{link.name}" for algorithm in _children(folder) for link in _children(algorithm)]


def _linked(store: Store, name: str) -> list[str]:
    return _links(store, name, BLOBS) + _links(store, name, MANIFESTS)


def _content(store: Store) -> Iterator[Path]:
    for algorithm in _children(store.root / "blobs"):
        for shard in _children(algorithm):
            yield from _children(shard)


def _children(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in os.listdir(folder)]
    except FileNotFoundError:
        return []


def _batches(paths: Iterable[Path]) -> Iterator[list[Path]]:
    remaining = iter(paths)
    while batch := list(islice(remaining, BATCH)):
        yield batch
