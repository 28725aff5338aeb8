"""StoredRepository: the engine's interface to a repository of the built-in store, on local disk.

The event loop never waits for the disk: each step is a short job in a thread, at most a megabyte long.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from mirrors.oci.content import BlobReader
from mirrors.oci.errors import NotFound, OCIError, QuotaExceeded, RegistryFault, Side
from mirrors.oci.fallback import referrer_entry
from mirrors.oci.images.manifest import Descriptor, Manifest
from mirrors.oci.images.names import check_repository_name, is_digest
from mirrors.oci.store.files import Store, StoredContent

__all__ = ["Store", "StoredContent", "StoredRepository"]

CHUNK = 1024 * 1024

P = ParamSpec("P")
T = TypeVar("T")


class StoredRepository:
    """One repository of a store; a ContentRepository.

    side: which end of a copy it is, for the errors.
    """

    def __init__(self, store: Store, name: str, *, side: Side = Side.TARGET) -> None:
        self.store = store
        self.side = side
        self._name = check_repository_name(name)

    def __repr__(self) -> str:
        return f"StoredRepository({self.location!r}, {self._name!r})"

    @property
    def name(self) -> str:
        """`namespace/name`."""
        return self._name

    @property
    def location(self) -> str:
        """The store's folder."""
        return str(self.store.root.absolute())

    @property
    def counts_fetches(self) -> bool:
        """Nothing is counted here."""
        return False

    async def list_tags(self) -> list[str]:
        """Every tag in byte order; raises NotFound where nothing was ever pushed."""
        return await self._run(self.store.tags, self._name)

    async def resolve(self, reference: str) -> Descriptor | None:
        """What a tag or digest points at, or None.

        By digest it promises that everything below is here and stays: the caller may build on it untagged.
        """
        find = self.store.keep_manifest if is_digest(reference) else self.store.find_manifest
        found = await self._run(find, self._name, reference)
        return found.descriptor if found else None

    async def fetch_manifest(self, reference: str) -> Manifest:
        """The manifest behind a tag or digest; raises NotFound."""
        return await self._run(self._read_manifest, reference)

    def _read_manifest(self, reference: str) -> Manifest:
        found = self.store.find_manifest(self._name, reference)
        if found is None:
            raise NotFound(f"The built-in store has no {reference} in {self._name}.")
        return found.read_manifest()

    async def list_referrers(self, digest: str, *, fallback: bool = True) -> list[Descriptor]:
        """What names this digest as its subject, and is here with its blobs; it stays for as long as the sync runs."""
        return await self._run(self._referrers, digest)

    def _referrers(self, digest: str) -> list[Descriptor]:
        referrers = self.store.find_referrers(self._name, digest)
        kept = (each for each in referrers if self.store.keep_manifest(self._name, each.digest))
        return [Descriptor.from_json(referrer_entry(each)) for each in kept]

    async def push_manifest(self, manifest: Manifest, *, tag: str | None = None, repeatable: bool = True) -> bool:
        """Store the exact bytes; raises NotFound where a blob that the manifest names was not pushed before."""
        await self._run(self.store.put_manifest, self._name, manifest, tag=tag)
        return True

    async def takes_sparse_index(self, left_out: Descriptor) -> bool:
        """Yes: whoever filters platforms decides what is here."""
        return True

    async def has_blob(self, digest: str) -> bool:
        """Whether this repository holds the blob; if so, it stays for as long as the sync runs."""
        return await self._run(self.store.keep_blob, self._name, digest)

    async def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """The blob's bytes from `offset` on, in chunks of 1 MiB; raises NotFound."""
        found = await self._run(self.store.find_blob, self._name, descriptor.digest)
        if found is None:
            raise NotFound(f"The built-in store has no blob {descriptor.digest} in {self._name}.", side=self.side)
        file = await self._run(found.path.open, "rb")
        try:
            await self._run(file.seek, offset)
            while chunk := await self._run(file.read, CHUNK):
                yield chunk
        finally:
            file.close()

    async def push_blob(self, descriptor: Descriptor, read: BlobReader, *, mount_from: str | None = None) -> bool:
        """Link the blob to another repository's (True), or store it, verified while it is written."""
        if mount_from is not None and await self._mount(descriptor.digest, source_repository=mount_from):
            return True
        partial = await self._run(self.store.partial, descriptor)
        try:
            async with aclosing(read(0)) as chunks:
                async for piece in _gather(chunks):
                    await self._run(partial.write, piece)
            await self._run(partial.finish)
            await self._run(self.store.put_blob, self._name, partial)
        finally:
            # In a thread too: unlinking ten gigabytes takes a file system its time.
            await _in_thread(partial.discard)
        return False

    async def _mount(self, digest: str, *, source_repository: str) -> bool:
        return await self._run(self.store.mount_blob, self._name, digest, source_repository=source_repository)

    async def delete_tag(self, tag: str) -> None:
        """Remove one tag; what it pointed at goes with the garbage unless something else needs it."""
        await self._run(self.store.delete_tag, self._name, tag)

    async def _run(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a step in a thread; what goes wrong carries this repository's side."""
        try:
            return await _in_thread(step, *args, **kwargs)
        except OCIError as error:
            error.side = error.side or self.side
            raise
        except OSError as error:
            raise _disk_fault(error, self.store.root, side=self.side) from error


def _disk_fault(error: OSError, root: Path, *, side: Side) -> OCIError:
    reason = error.strerror or type(error).__name__
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return QuotaExceeded(
            f"The built-in store in {root} is full ({reason}). Free some space or enlarge the volume.", side=side
        )
    return RegistryFault(
        f"The built-in store in {root} cannot be used: {reason}. Check the folder and its owner.", side=side
    )


async def _in_thread(step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a step in a thread and never leave it running behind: a cancelled caller still waits for its end."""
    running = asyncio.ensure_future(asyncio.to_thread(step, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        raise


async def _gather(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """Chunks in lots of about a megabyte, so that small ones do not cost a thread switch each."""
    waiting: list[bytes] = []
    size = 0
    async for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size >= CHUNK:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting
