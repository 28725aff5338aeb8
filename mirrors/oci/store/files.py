"""The built-in store's files: content once for all repositories, and per repository what it may show of it.

    blobs/sha256/ab/<hex>                      content, of blobs and manifests alike
    repositories/<name>/_blobs/sha256/<hex>    empty: this repository holds the blob
    repositories/<name>/_manifests/sha256/<hex>   its media type: this repository holds the manifest
    repositories/<name>/_referrers/sha256/<hex>/sha256-<hex>   empty: the second manifest has the first as its subject
    repositories/<name>/_tags/<tag>            a digest
    incoming/                                  what is being written; renamed into place once verified
    lock                                       see `Store.locked`

A part of a repository name never starts with `_`, so nested names cannot collide with these folders.

A link's modification time says when somebody last counted on it; content's says when it was last linked.
Garbage collection (garbage.py) spares whatever is younger than the syncs that are running.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mirrors.oci.errors import DigestMismatch, NotFound, OCIError
from mirrors.oci.fallback import subject_of
from mirrors.oci.images.manifest import Descriptor, Manifest, digest_algorithm
from mirrors.oci.images.names import check_digest, check_repository_name, check_tag, is_digest
from mirrors.oci.store.partial import Partial, touch

BLOBS, MANIFESTS, REFERRERS, TAGS = "_blobs", "_manifests", "_referrers", "_tags"
_BLOB_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class StoredContent:
    """A file of the store: where it is, what it is, how many bytes."""

    path: Path
    media_type: str
    digest: str
    size: int

    @property
    def descriptor(self) -> Descriptor:
        """What points at this content."""
        return Descriptor(self.media_type, self.digest, self.size)

    def read_manifest(self) -> Manifest:
        """The content as a manifest; raises DigestMismatch where the disk has altered it."""
        manifest = Manifest(self.path.read_bytes(), self.media_type, digest_algorithm(self.digest))
        if manifest.digest != self.digest:
            raise DigestMismatch(f"The manifest {self.digest} is damaged on disk. Delete its tags and sync it again.")
        return manifest


class Store:
    """Content and links under one folder, for any number of processes at once. Every method blocks on the disk.

    fsync: whether content survives a power cut as soon as it is stored.
    """

    def __init__(self, root: Path, *, fsync: bool = True) -> None:
        self.root = Path(root)
        self.fsync = fsync

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r})"

    # Reading: neither locks nor touches anything, so it works on a read-only file system.

    def repositories(self) -> Iterator[str]:
        """The name of every repository, in no order."""
        top = self.root / "repositories"
        for folder, children, _ in os.walk(top):
            if any(child in (BLOBS, MANIFESTS, TAGS) for child in children):
                yield Path(folder).relative_to(top).as_posix()
            children[:] = [child for child in children if not child.startswith("_")]

    def has_repository(self, name: str) -> bool:
        """Whether anything was ever pushed there."""
        folder = self.folder(name)
        return any((folder / kind).is_dir() for kind in (TAGS, MANIFESTS, BLOBS))

    def tags(self, name: str) -> list[str]:
        """Every tag of the repository in byte order; raises NotFound where there is no such repository."""
        try:
            return sorted(os.listdir(self.folder(name) / TAGS))
        except FileNotFoundError:
            if self.has_repository(name):
                return []
            raise NotFound(f"The built-in store has no repository {name}. Sync it first.") from None

    def tag_times(self, name: str) -> dict[str, float]:
        """Every tag with the time it was last written, in seconds since 1970; {} where there is no such repository."""
        times: dict[str, float] = {}
        folder = self.folder(name) / TAGS
        for tag in _names_in(folder):
            with suppress(FileNotFoundError):  # it goes at this very moment
                times[tag] = (folder / tag).stat().st_mtime
        return times

    def find_manifest(self, name: str, reference: str) -> StoredContent | None:
        """What a tag or digest points at in this repository, or None."""
        digest: str | None = reference
        if not is_digest(reference):
            digest = _read(self.folder(name) / TAGS / check_tag(reference))
        media_type = _read(self.link(name, MANIFESTS, digest)) if digest else None
        return self._content(digest, media_type) if digest and media_type else None

    def find_referrers(self, name: str, subject: str) -> list[Manifest]:
        """The manifests of this repository that name the digest as their subject, in the order of their digests."""
        folder = self.link(name, REFERRERS, subject)
        found: list[Manifest] = []
        for entry in sorted(_names_in(folder)):
            content = self.find_manifest(name, referrer_digest(entry))
            if content is not None:
                with suppress(OCIError, FileNotFoundError):  # damaged, or collected at this very moment
                    found.append(content.read_manifest())
        return found

    def find_blob(self, name: str, digest: str) -> StoredContent | None:
        """The blob's file, or None where this repository does not hold it, whoever else does."""
        return self._content(digest, _BLOB_TYPE) if self.link(name, BLOBS, digest).exists() else None

    def _content(self, digest: str, media_type: str) -> StoredContent | None:
        path = self.content_path(digest)
        try:
            return StoredContent(path, media_type, digest, path.stat().st_size)
        except FileNotFoundError:
            return None

    def walk(self, name: str, digests: Iterable[str]) -> tuple[set[str], dict[str, Descriptor]]:
        """The manifests of this repository that these reach, themselves included, and the blobs those name.

        A child that is not here is passed over, because an index may be sparse; so is one that the disk has damaged.
        """
        manifests: set[str] = set()
        blobs: dict[str, Descriptor] = {}
        waiting = list(digests)
        while waiting:
            digest = waiting.pop()
            if digest in manifests or not is_digest(digest):
                continue
            if (found := self.find_manifest(name, digest)) is None:
                continue
            with suppress(OCIError):
                manifest = found.read_manifest()
                waiting.extend(child.digest for child in manifest.children())
                blobs.update((blob.digest, blob) for blob in manifest.blobs())
                manifests.add(digest)
        return manifests, blobs

    # Paths. The checks here are what keeps every path inside the store.

    def folder(self, name: str) -> Path:
        """Where a repository's links are; raises InvalidReference for what is no repository name."""
        return self.root / "repositories" / check_repository_name(name)

    def content_path(self, digest: str) -> Path:
        """Where content is; raises InvalidReference for what is no digest."""
        algorithm, _, digits = check_digest(digest).partition(":")
        return self.root / "blobs" / algorithm / digits[:2] / digits

    def link(self, name: str, kind: str, digest: str) -> Path:
        """Where a repository says that it holds a blob or manifest."""
        algorithm, _, digits = check_digest(digest).partition(":")
        return self.folder(name) / kind / algorithm / digits

    # Writing.

    @contextmanager
    def locked(self, *, exclusive: bool = False) -> Iterator[None]:
        """Hold the store's lock: shared to count on content, exclusive to remove some. Keep it for moments only.

        It makes "look and touch" and "look again and remove" two steps that never interleave.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            yield
        finally:
            os.close(lock)

    def incoming_path(self, purpose: str) -> Path:
        """A new name for something that is not in place yet."""
        return self.root / "incoming" / f"{purpose}-{uuid.uuid4().hex}"

    def partial(self, descriptor: Descriptor) -> Partial:
        """A file for content on its way in; nothing is opened yet."""
        return Partial(self.incoming_path("partial"), descriptor, fsync=self.fsync)

    def keep_blob(self, name: str, digest: str) -> bool:
        """Whether this repository holds the blob; if so, garbage collection spares it from now on."""
        with self.locked():
            return self._touch_blob(name, digest)

    def keep_manifest(self, name: str, digest: str) -> StoredContent | None:
        """The manifest, if it and the blobs it reaches are here; all of that is spared from now on."""
        with self.locked():
            manifests, blobs = self._touch_reached(name, [digest])
            complete = digest in manifests and not self._missing(name, blobs)
            return self.find_manifest(name, digest) if complete else None

    def _touch_reached(self, name: str, digests: Iterable[str]) -> tuple[set[str], list[Descriptor]]:
        manifests, blobs = self.walk(name, digests)
        for link in (self.link(name, MANIFESTS, digest) for digest in manifests):
            touch(link)
        return manifests, list(blobs.values())

    def _missing(self, name: str, blobs: Iterable[Descriptor]) -> list[str]:
        """The digests this repository lacks and should not; the others are touched."""
        lacking = [blob for blob in blobs if not self._touch_blob(name, blob.digest)]
        return [blob.digest for blob in lacking if not (blob.is_foreign or blob.urls)]

    def _touch_blob(self, name: str, digest: str) -> bool:
        return self.content_path(digest).exists() and touch(self.link(name, BLOBS, digest))

    def put_blob(self, name: str, partial: Partial) -> None:
        """Put a finished partial into place and link it."""
        with self.locked():
            self._place(partial)
            _write_link(self.link(name, BLOBS, partial.digest))

    def mount_blob(self, name: str, digest: str, *, source_repository: str) -> bool:
        """Link a blob that another repository of this store holds. False where it does not."""
        with self.locked():
            if not self.link(source_repository, BLOBS, digest).exists() or not touch(self.content_path(digest)):
                return False
            _write_link(self.link(name, BLOBS, digest))
            return True

    def put_manifest(self, name: str, manifest: Manifest, *, tag: str | None = None) -> None:
        """Store a manifest and point a tag at it; raises NotFound where a blob it names is not here.

        The children of an index may be missing (a sparse index); those that are here are spared like the blobs.
        """
        target = self.folder(name) / TAGS / check_tag(tag) if tag else None
        children, blobs = list(manifest.children()), list(manifest.blobs())
        with self.partial(manifest.descriptor) as partial:
            partial.write([manifest.content])
            partial.finish()
            with self.locked():
                if missing := self._missing(name, blobs):
                    what = tag or manifest.digest
                    raise NotFound(f"{name} lacks the blob {missing[0]} that {what} needs. Push it first.")
                _, below = self._touch_reached(name, [child.digest for child in children])
                self._missing(name, below)
                self._place(partial)
                if subject := subject_of(manifest):
                    _write_link(self.link(name, REFERRERS, subject) / manifest.digest.replace(":", "-"))
                self._write_atomically(self.link(name, MANIFESTS, manifest.digest), manifest.media_type)
                if target:
                    self._write_atomically(target, manifest.digest)

    def delete_tag(self, name: str, tag: str) -> None:
        """Remove a tag; a missing one is removed already."""
        (self.folder(name) / TAGS / check_tag(tag)).unlink(missing_ok=True)

    def delete_repository(self, name: str) -> None:
        """Remove every link of this repository; the content goes with the next garbage collection."""
        folder, grave = self.folder(name), self.incoming_path("deleted")
        with self.locked(exclusive=True):
            grave.mkdir(parents=True)
            for kind in (TAGS, MANIFESTS, REFERRERS, BLOBS):
                with suppress(FileNotFoundError):
                    (folder / kind).rename(grave / kind)
            _remove_empty_folders(folder, stop=self.root / "repositories")
        shutil.rmtree(grave, ignore_errors=True)

    def _place(self, partial: Partial) -> None:
        target = self.content_path(partial.digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Replacing equal content costs nothing and heals a file that the disk has damaged.
        partial.path.replace(target)
        touch(target)

    def _write_atomically(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.incoming_path("link")
        partial.write_text(text)
        touch(partial)
        partial.replace(path)


def referrer_digest(name: str) -> str:
    """The digest that a link among the referrers stands for."""
    return name.replace("-", ":", 1)


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _write_link(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    touch(path)


def _remove_empty_folders(folder: Path, *, stop: Path) -> None:
    with suppress(OSError):  # not empty, or gone already
        while folder != stop:
            folder.rmdir()
            folder = folder.parent
