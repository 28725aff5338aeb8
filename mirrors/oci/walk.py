"""The walk over one image: what is missing at the target goes there, blobs before the manifests that list them.

    walk(index)  ─ per wanted child ─ at the target? done : walk(child), then push it by its digest
    walk(image)  ─ per blob ─ transfer.py

Work with the same digest is done once however many tags share it. The caller pushes the root, last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from mirrors.oci.concurrency import Once, run_all
from mirrors.oci.content import ContentRepository
from mirrors.oci.errors import Incomplete, MalformedAnswer, NotFound, Side, Unsupported, blame
from mirrors.oci.manifest import INDEX_TYPES, Descriptor, Manifest
from mirrors.oci.options import CopyOptions
from mirrors.oci.platforms import architecture_of, wanted_children
from mirrors.oci.progress import Progress, TagProgress
from mirrors.oci.transfer import Transfer
from mirrors.oci.verify import verified

_DEEPEST = 5
_MOST_CHILDREN = 1000
_IMAGES_AT_ONCE = 16
# Seconds. What was pushed a moment ago is not seen yet by the replica that checks the manifest, or by a registry 2.8
# that is writing the same child's link again for another tag.
_UNSEEN = (0.2, 1.0)
_CONFIG_LIMIT = 10 * 1024 * 1024
_MANIFESTS_KEPT = 64
_LARGEST_KEPT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a manifest the walk covered. copied: any of it. complete: all of it."""

    copied: bool = True
    complete: bool = True


class Walk:
    """One run's walk from source to target."""

    def __init__(
        self, source: ContentRepository, target: ContentRepository, *, options: CopyOptions, progress: Progress
    ) -> None:
        self._source = source
        self._target = target
        self._architectures = frozenset(options.architectures)
        self._trusts_indexes = not (options.architectures or options.deep)
        self.progress = progress
        self._transfer = Transfer(source, target, mount_from=options.mount_from, progress=progress)
        self._image_slots = asyncio.Semaphore(_IMAGES_AT_ONCE)
        self._extents: Once[Extent] = Once()
        self._children: Once[Extent] = Once()
        self._recent: dict[str, Manifest] = {}
        self._fresh = False

    def expect_nothing(self) -> None:
        """The target repository does not exist yet: nothing has to be asked for there."""
        self._fresh = self._transfer.fresh = True

    async def close(self) -> None:
        """Cancel and await whatever is under way."""
        for work in (self._extents, self._children, self._transfer):
            await work.close()

    async def fetch(self, digest: str) -> Manifest:
        """The manifest at the source; small ones are remembered for the next tag that has them."""
        manifest = self._recent.get(digest)
        if manifest is None:
            with blame(Side.SOURCE):
                manifest = await self._source.fetch_manifest(digest)
            if len(manifest.content) <= _LARGEST_KEPT:
                self._recent[digest] = manifest
            if len(self._recent) > _MANIFESTS_KEPT:
                del self._recent[next(iter(self._recent))]
        return manifest

    async def architecture(self, manifest: Manifest) -> str:
        """What the config of an image says it runs on; empty for what is no image."""
        with blame(Side.SOURCE):
            config = next(manifest.blobs(), None)
            if config is None or config.size > _CONFIG_LIMIT:
                return ""
            content = bytearray()
            async with (
                aclosing(self._source.open_blob(config)) as chunks,
                aclosing(verified(chunks, descriptor=config, side=Side.SOURCE)) as checked,
            ):
                async for chunk in checked:
                    content += chunk
        return architecture_of(bytes(content))

    async def copy_contents(self, manifest: Manifest, *, tag: TagProgress, depth: int = 0) -> Extent:
        """Bring everything that this manifest needs to the target, but not the manifest itself."""
        copy = self._copy_index if manifest.is_index else self._copy_image
        return await self._extents(manifest.digest, lambda: copy(manifest, tag=tag, depth=depth))

    async def _copy_index(self, manifest: Manifest, *, tag: TagProgress, depth: int) -> Extent:
        with blame(Side.SOURCE):
            children = list(manifest.children())
        if depth >= _DEEPEST or len(children) > _MOST_CHILDREN:
            raise Unsupported(
                f"The index {manifest.digest} has over {_MOST_CHILDREN} entries or {_DEEPEST} levels. Leave it out.",
                side=Side.SOURCE,
            )
        wanted = wanted_children(children, architectures=self._architectures)
        images = [child for child in wanted if child.media_type not in INDEX_TYPES]
        extents = await run_all(self._copy_child_once(child, tag=tag, depth=depth + 1) for child in images)
        for child in wanted:
            # One after the other: a tree of indexes all at once would be more than memory holds.
            if child.media_type in INDEX_TYPES:
                extents.append(await self._copy_child_once(child, tag=tag, depth=depth + 1))
        return Extent(
            copied=not self._architectures or any(extent.copied for extent in extents),
            complete=len(wanted) == len(children) and all(extent.complete for extent in extents),
        )

    async def _copy_child_once(self, child: Descriptor, *, tag: TagProgress, depth: int) -> Extent:
        return await self._children(child.digest, lambda: self._copy_child_in_turn(child, tag=tag, depth=depth))

    async def _copy_child_in_turn(self, child: Descriptor, *, tag: TagProgress, depth: int) -> Extent:
        if child.media_type in INDEX_TYPES:
            return await self._copy_child(child, tag=tag, depth=depth)
        async with self._image_slots:
            return await self._copy_child(child, tag=tag, depth=depth)

    async def _copy_child(self, child: Descriptor, *, tag: TagProgress, depth: int) -> Extent:
        # A filtered index at the target may lack what an older filter left out.
        if (self._trusts_indexes or child.media_type not in INDEX_TYPES) and await self._has_manifest(child.digest):
            return Extent()
        manifest = await self.fetch(child.digest)
        if manifest.is_index != (child.media_type in INDEX_TYPES):
            raise MalformedAnswer(
                f"An index lists {child.digest} as an image and it is an index, or the other way round. "
                "Leave its tag out.",
                side=Side.SOURCE,
            )
        extent = await self.copy_contents(manifest, tag=tag, depth=depth)
        if extent.copied:
            await self.push(manifest, extent=extent)
            self.progress.count(tag, "manifests_copied")
        return extent

    async def push(self, manifest: Manifest, *, extent: Extent, tag: str | None = None) -> None:
        """Store the manifest, under the tag or by digest; what a sparse index is refused with becomes Unsupported."""
        try:
            with blame(Side.TARGET):
                await self._persistently_push(manifest, pauses=_UNSEEN if extent.complete else (), tag=tag)
        except (Unsupported, NotFound) as error:
            if extent.complete:
                raise
            raise Unsupported(
                f"{self._target.location} does not take an index with only some of its architectures. "
                "Copy all architectures, or allow sparse indexes in that registry.",
                side=Side.TARGET,
            ) from error

    async def _persistently_push(self, manifest: Manifest, *, tag: str | None, pauses: Sequence[float]) -> None:
        for pause in pauses:
            try:
                return await self._target.push_manifest(manifest, tag=tag)
            except Incomplete:
                await asyncio.sleep(pause)
        return await self._target.push_manifest(manifest, tag=tag)

    async def _copy_image(self, manifest: Manifest, *, tag: TagProgress, depth: int) -> Extent:
        with blame(Side.SOURCE):
            blobs = {blob.digest: blob for blob in manifest.blobs() if not blob.is_foreign}
        await run_all(self._transfer.copy(blob, tag=tag) for blob in blobs.values())
        return Extent()

    async def _has_manifest(self, digest: str) -> bool:
        if self._fresh:
            return False
        with blame(Side.TARGET):
            return await self._target.resolve(digest) is not None
