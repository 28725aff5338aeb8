"""What of a manifest is wanted at the target, decided before anything is copied.

Without platforms all of it is, and nothing more is read. With some, an index keeps the images of these platforms with
their attestations, and what runs on no platform at all. Indexes within an index are decided first, from inside out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from mirrors.oci.concurrency import Once, run_all
from mirrors.oci.content import ContentRepository
from mirrors.oci.copying.options import CopyOptions, IndexMode
from mirrors.oci.errors import Side, Unsupported, blame
from mirrors.oci.images.manifest import (
    IMAGE_CONFIG_TYPES,
    IMAGE_TYPES,
    INDEX_TYPES,
    REFERENCE_DIGEST,
    Descriptor,
    Manifest,
    Platform,
)
from mirrors.oci.images.platforms import PlatformPattern, described, is_named, platform_of
from mirrors.oci.images.rewrite import rewritten_index
from mirrors.oci.images.verify import verified

_CONFIG_LIMIT = 10 * 1024 * 1024
_READ_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class _Part:
    """What is decided about an entry of an index.

    stored: where the entry points at the target; None where it stays behind. images: how many images below it are
    wanted, of how many. available: the platforms of all of them. kept: the digests of what is wanted below it.
    """

    stored: Descriptor | None
    images: int = 0
    images_at_source: int = 0
    complete: bool = True
    available: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Choice:
    """A manifest as the target gets it, and what of its content goes along.

    manifest: the source's own, or a rewritten index. children: what to copy first, by its digest at the source.
    images: how many are wanted, of `images_at_source`. complete: the target gets everything that `manifest` lists.
    available: the platforms of all images. kept: the digests of what is wanted, at every level below.
    """

    manifest: Manifest
    source_digest: str
    children: tuple[Descriptor, ...] = ()
    images: int = 0
    images_at_source: int = 0
    complete: bool = True
    available: frozenset[str] = field(default_factory=frozenset)
    kept: frozenset[str] = field(default_factory=frozenset, repr=False)

    @property
    def is_wanted(self) -> bool:
        """False where it has images and none of them is of a wanted platform."""
        return self.images > 0 or self.images_at_source == 0

    @property
    def is_rewritten(self) -> bool:
        """Whether the target gets another index than the source has: its digest differs, signatures do not fit it."""
        return self.manifest.digest != self.source_digest


class Selection:
    """Decides for one run. fetch: reads a manifest at the source by its digest."""

    def __init__(
        self, source: ContentRepository, *, options: CopyOptions, fetch: Callable[[Descriptor], Awaitable[Manifest]]
    ) -> None:
        self._source = source
        self._platforms = tuple(options.platforms)
        self._rewrites = options.index_mode is IndexMode.REWRITTEN
        self._limits = options.limits
        self._fetch = fetch
        self._nested: Once[_Part] = Once()
        self._looked_up: Once[Platform | None] = Once()
        self._slots = asyncio.Semaphore(_READ_AT_ONCE)

    async def close(self) -> None:
        """Cancel and await whatever is under way."""
        await self._nested.close()
        await self._looked_up.close()

    def may_rewrite(self, media_type: str) -> bool:
        """Whether the target can have another digest than the source for a manifest of this type."""
        return self._rewrites and bool(self._platforms) and media_type in INDEX_TYPES

    async def choose(self, manifest: Manifest, *, depth: int = 0) -> Choice:
        """What of this manifest goes to the target; raises Unsupported for an index that is over the limits."""
        if not manifest.is_index:
            return await self._choose_image(manifest)
        children = self._children(manifest, depth=depth)
        if not self._platforms:
            return Choice(manifest, manifest.digest, children)
        parts = await self._decide(children, depth=depth)
        images_at_source = sum(part.images_at_source for part in parts)
        if not images_at_source:  # a list of artifacts: there is nothing in it to choose from
            return Choice(manifest, manifest.digest, children)
        kept = {child.digest for child, part in zip(children, parts, strict=True) if part.stored and part.complete}
        choice = Choice(
            manifest,
            manifest.digest,
            tuple(child for child, part in zip(children, parts, strict=True) if part.stored),
            images=sum(part.images for part in parts),
            images_at_source=images_at_source,
            complete=all(child.digest in kept for child in children),
            available=frozenset[str]().union(*(part.available for part in parts)),
            kept=_kept(parts),
        )
        if not self._rewrites or not choice.is_wanted:
            return choice
        rewritten = rewritten_index(manifest, entries=[part.stored for part in parts])
        return replace(choice, manifest=rewritten, complete=True)

    async def _choose_image(self, manifest: Manifest) -> Choice:
        platform = await self._platform(manifest) if self._platforms else None
        if platform is None:
            return Choice(manifest, manifest.digest)
        return Choice(
            manifest,
            manifest.digest,
            images=int(self._wants(platform)),
            images_at_source=1,
            available=frozenset({str(platform)}),
        )

    def _children(self, manifest: Manifest, *, depth: int) -> tuple[Descriptor, ...]:
        with blame(Side.SOURCE):
            children = tuple(manifest.entries())
        if len(children) > self._limits.entries:
            raise Unsupported(
                f"The index {manifest.digest} has {len(children)} entries. At most {self._limits.entries} are copied. "
                "Leave its tag out, or raise the limit.",
                side=Side.SOURCE,
            )
        if depth >= self._limits.depth:
            raise Unsupported(
                f"The index {manifest.digest} is the end of {depth + 1} levels of indexes within indexes. "
                f"At most {self._limits.depth} are copied. Leave its tag out.",
                side=Side.SOURCE,
            )
        return children

    async def _decide(self, children: Sequence[Descriptor], *, depth: int) -> list[_Part]:
        """One part for each child. Attestations share the fate of what they attest."""
        images = [child for child in children if child.media_type not in INDEX_TYPES]
        decided = iter(await run_all(self._decide_image(child) for child in images))
        # One after the other: a tree of indexes all at once would be more than memory holds.
        parts = [
            await self._nested_part(child, depth=depth) if child.media_type in INDEX_TYPES else next(decided)
            for child in children
        ]
        kept = _kept(parts)
        return [
            _attestation(child, kept=kept) if _is_attestation(child) else part
            for child, part in zip(children, parts, strict=True)
        ]

    async def _nested_part(self, child: Descriptor, *, depth: int) -> _Part:
        return await self._nested(child.digest, lambda: self._decide_index(child, depth=depth + 1))

    async def _decide_image(self, child: Descriptor) -> _Part:
        if _is_attestation(child):
            return _Part(None)  # until what it attests is decided
        platform = child.platform
        if (platform is None or not platform.architecture) and child.media_type in IMAGE_TYPES:
            platform = await self._looked_up(child.digest, lambda: self._look_up(child))
        if platform is None:
            return _Part(child)
        if not is_named(platform):
            return _Part(None)
        wanted = self._wants(platform)
        return _Part(child if wanted else None, int(wanted), 1, available=frozenset({str(platform)}))

    async def _decide_index(self, child: Descriptor, *, depth: int) -> _Part:
        choice = await self.choose(await self._fetch(child), depth=depth)
        stored = replace(child, digest=choice.manifest.digest, size=len(choice.manifest.content))
        return _Part(
            stored if choice.is_wanted else None,
            choice.images,
            choice.images_at_source,
            choice.complete,
            choice.available,
            choice.kept,
        )

    def _wants(self, platform: Platform) -> bool:
        return any(pattern.matches(platform) for pattern in self._platforms)

    async def _look_up(self, child: Descriptor) -> Platform | None:
        async with self._slots:
            return await self._platform(await self._fetch(child))

    async def _platform(self, manifest: Manifest) -> Platform | None:
        """What the config of an image says it runs on; None for what is no image."""
        with blame(Side.SOURCE):
            config = manifest.config
            if config is None or not _may_be_read(config):
                return None
            content = bytearray()
            async with (
                aclosing(self._source.open_blob(config)) as chunks,
                aclosing(verified(chunks, descriptor=config, side=Side.SOURCE)) as checked,
            ):
                async for chunk in checked:
                    content += chunk
        return platform_of(bytes(content))


def rewriting_reason(choice: Choice, *, wanted: Sequence[PlatformPattern]) -> str:
    """The sentence that tells why the target's digest is not the source's."""
    return (
        f"Rewritten for {described(wanted)}: {choice.images} of {choice.images_at_source} images; "
        "its digest differs from the source's."
    )


def _is_attestation(entry: Descriptor) -> bool:
    # Whatever else an image with a platform of its own says that it speaks of, it is there to be run.
    return REFERENCE_DIGEST in entry.annotations and not (entry.platform and is_named(entry.platform))


def _kept(parts: Iterable[_Part]) -> frozenset[str]:
    return frozenset(digest for part in parts if part.stored for digest in (part.stored.digest, *part.kept))


def _may_be_read(config: Descriptor) -> bool:
    """Whether it is small enough to be held; raises Unsupported for that of an image, whose platform is in it."""
    if config.size > _CONFIG_LIMIT and config.media_type in IMAGE_CONFIG_TYPES:
        raise Unsupported(
            f"The config {config.digest} says on which platform its image runs, and has {config.size} bytes. At most "
            f"{_CONFIG_LIMIT} are read. Leave the tag out, or copy all platforms."
        )
    return config.size <= _CONFIG_LIMIT


def _attestation(child: Descriptor, *, kept: Collection[str]) -> _Part:
    return _Part(child if child.annotations[REFERENCE_DIGEST] in kept else None)
