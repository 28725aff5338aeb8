"""The walk over one image: what is missing at the target goes there, blobs before the manifests that list them.

    walk(index)  ─ per chosen child ─ at the target? done : walk(child), then push it by its digest
    walk(image)  ─ per blob ─ transfer.py

What of an index is chosen, selection.py decides beforehand. Work with the same digest is done once however many tags
share it. The caller pushes the root, last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from mirrors.oci.concurrency import Once, Together, run_all
from mirrors.oci.content import ContentRepository
from mirrors.oci.copying.options import CopyOptions
from mirrors.oci.copying.progress import Progress, TagProgress
from mirrors.oci.copying.selection import Choice, Selection
from mirrors.oci.copying.transfer import Transfer, algorithm_refused
from mirrors.oci.errors import Incomplete, MalformedAnswer, NotFound, Side, Unsupported, blame
from mirrors.oci.images.manifest import INDEX_TYPES, MANIFEST_TYPES, SCHEMA_1, SCHEMA_1_SENTENCE, Descriptor, Manifest

_IMAGES_AT_ONCE = 16
# A manifest of a few megabytes takes twice that while its image is copied.
_LARGE_MANIFEST = 512 * 1024
_LARGE_AT_ONCE = 3
# Seconds. What was pushed a moment ago is not seen yet by the replica that checks the manifest, or by a registry 2.8
# that is writing the same child's link again for another tag.
_UNSEEN = (0.2, 1.0)
_MANIFESTS_KEPT = 64
_LARGEST_KEPT = 64 * 1024


class Walk:
    """One run's walk from source to target."""

    def __init__(
        self, source: ContentRepository, target: ContentRepository, *, options: CopyOptions, progress: Progress
    ) -> None:
        self._source = source
        self._target = target
        self._trusts_indexes = not (options.platforms or options.deep)
        self._limits = options.limits
        self._copies_foreign = options.foreign_layers
        self.progress = progress
        self.selection = Selection(source, options=options, fetch=self.fetch)
        self._transfer = Transfer(
            source, target, mount_from=options.mount_from, progress=progress, places=options.places
        )
        self._image_slots = asyncio.Semaphore(_IMAGES_AT_ONCE)
        self._large_slots = asyncio.Semaphore(_LARGE_AT_ONCE)
        self._children: Once[None] = Once()
        self._sparse: Once[None] = Once()
        self._fetching: Together[Manifest] = Together()
        self._recent: dict[str, Manifest] = {}
        self._fresh = False
        self.on_unlisted: Callable[[Manifest, TagProgress], Awaitable[None]] | None = None
        """Told of each child that the target does not list by itself with its subject."""

    @property
    def is_fresh(self) -> bool:
        """Whether the target repository did not exist when the run began."""
        return self._fresh

    def expect_nothing(self) -> None:
        """The target repository does not exist yet: nothing has to be asked for there."""
        self._fresh = self._transfer.fresh = True

    async def close(self) -> None:
        """Cancel and await whatever is under way."""
        for work in (self._children, self._sparse, self.selection, self._transfer, self._fetching):
            await work.close()

    async def fetch(self, descriptor: Descriptor) -> Manifest:
        """The manifest at the source; small ones are remembered for the next tag that has them.

        Raises Unsupported for one that is larger than the limit, before it is read where the descriptor says so.
        """
        manifest = self._recent.get(descriptor.digest)
        if manifest is None:
            self._check_size(descriptor.digest, descriptor.size)
            manifest = await self._fetching(descriptor.digest, lambda: self._fetch(descriptor.digest))
        return manifest

    async def _fetch(self, digest: str) -> Manifest:
        with blame(Side.SOURCE):
            manifest = await self._source.fetch_manifest(digest)
        self._take_note(manifest)
        return manifest

    async def fetch_tag(self, tag: str) -> Manifest:
        """What the tag is at the source by now; raises Unsupported for one that is larger than the limit, NotFound."""
        with blame(Side.SOURCE):
            try:
                manifest = await self._source.fetch_manifest(tag)
            except NotFound as error:
                raise NotFound(
                    f"{self._source.location} has no tag {tag} in {self._source.name}. It may just be gone."
                ) from error
        self._take_note(manifest)
        return manifest

    def _take_note(self, manifest: Manifest) -> None:
        self._check_size(manifest.digest, len(manifest.content))
        if len(manifest.content) <= _LARGEST_KEPT:
            self._recent[manifest.digest] = manifest
        if len(self._recent) > _MANIFESTS_KEPT:
            del self._recent[next(iter(self._recent))]

    def _check_size(self, digest: str, size: int) -> None:
        if size > self._limits.bytes:
            raise Unsupported(
                f"The manifest {digest} has {size} bytes. At most {self._limits.bytes} are copied. Leave its tag out, "
                "or raise the limit.",
                side=Side.SOURCE,
            )

    async def choose(self, manifest: Manifest) -> Choice:
        """What of this manifest goes to the target; nothing is copied yet."""
        return await self.selection.choose(manifest)

    async def check_target_takes(self, choice: Choice) -> None:
        """Raise Unsupported where the target refuses an index of which parts are missing; asked once."""
        if not choice.complete:
            await self._sparse("", lambda: self._check_sparse(choice))

    async def _check_sparse(self, choice: Choice) -> None:
        chosen = {child.digest for child in choice.children}
        left_out = next((child for child in choice.manifest.children() if child.digest not in chosen), None)
        if left_out is None:  # what is missing is missing further down, and a smaller index will show it
            left_out = next(choice.manifest.children())
        with blame(Side.TARGET):
            if not await self._target.takes_sparse_index(left_out):
                raise self._sparse_refused()

    async def copy_contents(self, choice: Choice, *, tag: TagProgress, depth: int = 0) -> None:
        """Bring everything that was chosen of this manifest to the target, but not the manifest itself."""
        if not choice.manifest.is_index:
            return await self._copy_blobs(choice.manifest, tag=tag)
        flat = [child for child in choice.children if child.media_type not in INDEX_TYPES]
        await run_all(self._copy_child_once(child, tag=tag, depth=depth + 1) for child in flat)
        for child in choice.children:
            # One after the other: a tree of indexes all at once would be more than memory holds.
            if child.media_type in INDEX_TYPES:
                await self._copy_child_once(child, tag=tag, depth=depth + 1)
        return None

    async def _copy_child_once(self, child: Descriptor, *, tag: TagProgress, depth: int) -> None:
        # With all that is checked of it: another index may tell the truth about the same child.
        key = (child.digest, child.size, child.media_type)
        await self._children(key, lambda: self._copy_child_in_turn(child, tag=tag, depth=depth))

    async def _copy_child_in_turn(self, child: Descriptor, *, tag: TagProgress, depth: int) -> None:
        if child.media_type in INDEX_TYPES:
            return await self._copy_child(child, tag=tag, depth=depth)
        if child.media_type not in MANIFEST_TYPES:
            async with self._image_slots:
                return await self._copy_opaque_child(child, tag=tag)
        async with self._large_slots if child.size > _LARGE_MANIFEST else self._image_slots:
            return await self._copy_child(child, tag=tag, depth=depth)

    async def _copy_child(self, child: Descriptor, *, tag: TagProgress, depth: int) -> None:
        # A filtered index at the target may lack what an older filter left out.
        if (self._trusts_indexes or child.media_type not in INDEX_TYPES) and await self._has_manifest(child.digest):
            return
        manifest = await self.fetch(child)
        _check_child(child, manifest)
        choice = await self._choose_child(manifest, depth=depth)
        await self.copy_contents(choice, tag=tag, depth=depth)
        if not await self.push(choice) and self.on_unlisted is not None:
            await self.on_unlisted(choice.manifest, tag)
        self.progress.count(tag, "manifests_copied")

    async def _choose_child(self, manifest: Manifest, *, depth: int) -> Choice:
        # An image was chosen by what its index says of it; its config is not asked again.
        if manifest.is_index:
            return await self.selection.choose(manifest, depth=depth)
        return Choice(manifest, manifest.digest)

    async def _copy_opaque_child(self, child: Descriptor, *, tag: TagProgress) -> None:
        """Copy what an index lists and is no manifest, such as the layers of a build cache."""
        if child.media_type in SCHEMA_1:
            raise Unsupported(SCHEMA_1_SENTENCE, side=Side.SOURCE)
        try:
            await self._transfer.copy([child], tag=tag)
        except NotFound as error:
            if error.side is not Side.SOURCE:
                raise
            raise Unsupported(
                f"An index lists {child.digest} of the type {child.media_type[:100]!r}. The source has no blob of it, "
                "and manifests of this type are not copied. Leave its tag out.",
                side=Side.SOURCE,
            ) from error

    async def push(self, choice: Choice, *, tag: str | None = None) -> bool:
        """Store the manifest, under the tag or by digest; what a sparse index is refused with becomes Unsupported.

        Returns whether the target lists it by itself with its subject, if it has one.
        """
        try:
            with blame(Side.TARGET), algorithm_refused(choice.manifest.digest, location=self._target.location):
                pauses = _UNSEEN if choice.complete else ()
                return await self._persistently_push(choice.manifest, pauses=pauses, tag=tag)
        except (Unsupported, NotFound) as error:
            if choice.complete:
                raise
            raise self._sparse_refused() from error

    def _sparse_refused(self) -> Unsupported:
        return Unsupported(
            f"{self._target.location} does not take an index with only some of its images. "
            "Have the index rewritten, copy all platforms, or allow sparse indexes in that registry.",
            side=Side.TARGET,
        )

    async def _persistently_push(self, manifest: Manifest, *, tag: str | None, pauses: Sequence[float]) -> bool:
        for pause in pauses:
            try:
                return await self._target.push_manifest(manifest, tag=tag)
            except Incomplete:
                await asyncio.sleep(pause)
        return await self._target.push_manifest(manifest, tag=tag)

    async def _copy_blobs(self, manifest: Manifest, *, tag: TagProgress) -> None:
        with blame(Side.SOURCE):
            blobs = {blob.digest: blob for blob in manifest.blobs() if self._copies_foreign or not blob.is_foreign}
        await self._transfer.copy(blobs.values(), tag=tag)

    async def _has_manifest(self, digest: str) -> bool:
        if self._fresh:
            return False
        with blame(Side.TARGET):
            return await self._target.resolve(digest) is not None


def _check_child(child: Descriptor, manifest: Manifest) -> None:
    if manifest.is_index != (child.media_type in INDEX_TYPES):
        raise MalformedAnswer(
            f"An index lists {child.digest} as an image and it is an index, or the other way round. Leave its tag out.",
            side=Side.SOURCE,
        )
    if len(manifest.content) != child.size:
        raise MalformedAnswer(
            f"An index lists {child.digest} with {child.size} bytes and it has {len(manifest.content)}: no client "
            "would pull it. Leave its tag out.",
            side=Side.SOURCE,
        )
