"""What is copied: made-up images, the same bytes every time, built one by one so that gigabytes are never in memory."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from mirrors.oci.images.manifest import sha256_digest
from mirrors.sample.images import ARCHITECTURES, Family, Image, Layer, build_image, build_index

MOVED_EVERY = 20
"""One tag in twenty is another image in the next generation: 5 %."""


@dataclass(frozen=True)
class Content:
    """Repositories with their tags, and how to build the image of one: `build(repository, tag number, generation)`.

    at_once: how many images are built and pushed at the same time.
    """

    repositories: dict[str, list[str]]
    build: Callable[[str, int, int], Image]
    at_once: int = 8

    @property
    def tags(self) -> list[tuple[str, str]]:
        """Every repository and tag."""
        return [(repository, tag) for repository, tags in self.repositories.items() for tag in tags]

    @property
    def moved(self) -> list[tuple[str, str]]:
        """The repositories and tags that the second generation changes."""
        return self.tags[::MOVED_EVERY]

    def image(self, repository: str, tag: str, *, generation: int = 0) -> Image:
        """The image behind a tag."""
        return self.build(repository, self.repositories[repository].index(tag), generation)


def small_tags(count: int) -> Content:
    """Tags of five layers of some 60 kB, four of them shared by a fifth of the tags; 60 % Docker, 40 % OCI."""
    return Content({"bench/small": _numbered("v", count)}, _small_image)


def tiny_tags(count: int) -> Content:
    """Tags of two layers of a few hundred bytes that all of them share: for what looks at tags alone."""
    return Content({"bench/tiny": _numbered("v", count)}, _tiny_image)


def multi_platform_tags(count: int) -> Content:
    """Tags of four architectures with four layers of some 1.1 MB each, half of them shared; 70 % OCI, 30 % Docker."""
    return Content({"bench/multi": _numbered("v", count)}, _multi_platform_image)


def big_blobs(megabytes: float) -> Content:
    """Four tags of three layers of this size, nothing shared."""
    build = partial(_big_image, size=max(int(megabytes * 1_000_000), 1))
    return Content({"bench/big": _numbered("v", 4)}, build, at_once=1)


def fleet(repositories: int) -> Content:
    """Repositories of ten tags; base layers shared across repositories, every fifth tag for four architectures."""
    return Content({f"fleet/app-{n:03}": _numbered("v", 10) for n in range(repositories)}, _fleet_image)


def _numbered(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number:05}" for number in range(count)]


def _small_image(repository: str, number: int, generation: int) -> Image:
    base = [_shared_layer(f"small {number % 5} {n}", 60_000) for n in range(4)]
    own = _layer(f"{repository} {number} {generation}", 60_000)
    family = Family.DOCKER if number % 5 < 3 else Family.OCI
    return build_image([*base, own], family=family, name=f"{number}/{generation}")


def _tiny_image(repository: str, number: int, generation: int) -> Image:
    layers = [_shared_layer(f"tiny {n}", 300) for n in range(2)]
    return build_image(layers, name=f"{repository} {number}/{generation}")


def _multi_platform_image(repository: str, number: int, generation: int) -> Image:
    size, images = 1_100_000, {}
    for architecture in ARCHITECTURES:
        shared = [_shared_layer(f"{architecture} {n}", size) for n in range(2)]
        own = [_layer(f"{repository} {architecture} {number} {generation} {n}", size) for n in range(2)]
        images[architecture] = build_image([*shared, *own], architecture=architecture, name=f"{number}/{generation}")
    return build_index(images, family=Family.OCI if number % 10 < 7 else Family.DOCKER)


def _big_image(repository: str, number: int, generation: int, *, size: int) -> Image:
    layers = [_layer(f"{repository} {number} {generation} {n}", size) for n in range(3)]
    return build_image(layers, name=f"{number}/{generation}")


def _fleet_image(repository: str, number: int, generation: int) -> Image:
    architectures = ARCHITECTURES if number % 5 == 4 else ARCHITECTURES[:1]
    images = {}
    for architecture in architectures:
        base = [_shared_layer(f"fleet {architecture} {number % 2} {n}", 20_000) for n in range(2)]
        own = _layer(f"{repository} {architecture} {number} {generation}", 20_000)
        images[architecture] = build_image([*base, own], architecture=architecture, name=f"{number}/{generation}")
    return build_index(images) if len(images) > 1 else images[architectures[0]]


@lru_cache(maxsize=64)
def _shared_layer(seed: str, size: int) -> Layer:
    return _layer(seed, size)


def _layer(seed: str, size: int) -> Layer:
    """A gzipped tar of one file that does not compress; stored, since squeezing 2.4 GB would take a minute."""
    content = random.Random(seed).randbytes(size)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("data")
        entry.size = size
        archive.addfile(entry, io.BytesIO(content))
    tar = buffer.getvalue()
    return Layer(gzip.compress(tar, compresslevel=0, mtime=0), sha256_digest(tar))
