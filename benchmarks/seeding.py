"""Fills a registry over its push API, and asks it what it has. Not with the engine, whose mistakes it has to find."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from benchmarks.certificates import Certificate
from benchmarks.content import Content
from benchmarks.errors import WrongCopy
from mirrors.oci.images.manifest import MANIFEST_TYPES, Manifest
from mirrors.oci.runtime import run
from mirrors.sample.images import Image

# All four, or docker-registry 2.8 converts what it stores and tells another digest.
ACCEPT = ", ".join(MANIFEST_TYPES)
_CONNECTIONS = 16


@dataclass
class Seeded:
    """What the source has, without its bytes.

    tags: by repository and tag, the manifest of each generation; the second only where a tag moves. blobs: by
    repository, digest and size, and children: by repository and digest, all of the first generation.
    """

    tags: dict[str, dict[str, list[Manifest]]] = field(default_factory=dict)
    children: dict[str, dict[str, Manifest]] = field(default_factory=dict)
    blobs: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all distinct blobs of each repository."""
        return sum(sum(blobs.values()) for blobs in self.blobs.values())

    @property
    def blob_count(self) -> int:
        """Pairs of a repository and a blob in it."""
        return sum(len(blobs) for blobs in self.blobs.values())

    def digests(self, *, moved: bool) -> dict[str, dict[str, str]]:
        """By repository and tag, the digest; moved: after the move."""
        return {
            repository: {tag: manifests[-1 if moved else 0].digest for tag, manifests in tags.items()}
            for repository, tags in self.tags.items()
        }


def seed(url: str, content: Content, *, certificate: Certificate | None = None) -> Seeded:
    """Push everything: both generations, the first one under the tags."""
    return run(_seed(url, content, certificate=certificate))


def point_tags(url: str, seeded: Seeded, *, moved: bool, certificate: Certificate | None = None) -> None:
    """Put the tags that move on the second generation, or back on the first."""
    run(_point_tags(url, seeded, moved=moved, certificate=certificate))


def check_digests(url: str, expected: dict[str, dict[str, str]], *, certificate: Certificate | None = None) -> None:
    """Raise WrongCopy unless the registry lists exactly these tags and each has its digest."""
    run(_check_digests(url, expected, certificate=certificate))


async def _seed(url: str, content: Content, *, certificate: Certificate | None) -> Seeded:
    seeded = Seeded({name: {tag: [] for tag in tags} for name, tags in content.repositories.items()})
    moved = set(content.moved)
    slots = asyncio.Semaphore(content.at_once)
    async with _pusher(url, certificate=certificate) as pusher:

        async def push_tag(repository: str, tag: str) -> None:
            async with slots:
                generations = (0, 1) if (repository, tag) in moved else (0,)
                for generation in generations:
                    image = content.image(repository, tag, generation=generation)
                    seeded.tags[repository][tag].append(image.manifest)
                    await pusher.push(repository, image, tag="" if generation else tag)
                    if generation == 0:
                        _note(seeded, repository, image)

        await asyncio.gather(*(push_tag(*pair) for pair in content.tags))
    return seeded


def _note(seeded: Seeded, repository: str, image: Image) -> None:
    sizes = {digest: len(blob) for digest, blob in image.all_blobs().items()}
    seeded.blobs.setdefault(repository, {}).update(sizes)
    children = {child.digest: child for child in image.manifests() if child is not image.manifest}
    seeded.children.setdefault(repository, {}).update(children)


async def _point_tags(url: str, seeded: Seeded, *, moved: bool, certificate: Certificate | None) -> None:
    async with _pusher(url, certificate=certificate) as pusher:
        await asyncio.gather(
            *(
                pusher.put_manifest(repository, manifests[moved], reference=tag)
                for repository, tags in seeded.tags.items()
                for tag, manifests in tags.items()
                if len(manifests) > 1
            )
        )


async def _check_digests(url: str, expected: dict[str, dict[str, str]], *, certificate: Certificate | None) -> None:
    async with _pusher(url, certificate=certificate) as pusher:
        for repository, digests in expected.items():
            listed = await pusher.tags(repository)
            if listed != set(digests):
                raise WrongCopy(f"{repository} at {url} has {len(listed)} tags instead of {len(digests)}.")
        pairs = [(repository, tag) for repository, digests in expected.items() for tag in digests]
        found = await asyncio.gather(*(pusher.digest(*pair) for pair in pairs))
    for (repository, tag), digest in zip(pairs, found, strict=True):
        if digest != expected[repository][tag]:
            raise WrongCopy(f"{repository}:{tag} at {url} is {digest} instead of {expected[repository][tag]}.")


class _Pusher:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._pushed: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def push(self, repository: str, image: Image, *, tag: str) -> None:
        """Blobs, children, then the root; an empty tag leaves the root under its digest alone."""
        await asyncio.gather(*self._blobs(repository, image))
        for manifest in image.manifests():
            await self.put_manifest(repository, manifest, reference=tag if manifest is image.manifest else "")

    def _blobs(self, repository: str, image: Image) -> Iterable[asyncio.Task[None]]:
        for digest, blob in image.all_blobs().items():
            key = (repository, digest)
            if key not in self._pushed:
                self._pushed[key] = asyncio.create_task(self._push_blob(repository, digest, blob))
            yield self._pushed[key]

    async def _push_blob(self, repository: str, digest: str, blob: bytes) -> None:
        async with self._session.post(f"{self._url}/v2/{repository}/blobs/uploads/") as answer:
            location = URL(answer.headers["Location"], encoded=True).update_query(digest=digest)
        async with self._session.put(location, data=io.BytesIO(blob)):
            pass

    async def put_manifest(self, repository: str, manifest: Manifest, *, reference: str = "") -> None:
        """Under a tag, or under its digest."""
        url = f"{self._url}/v2/{repository}/manifests/{reference or manifest.digest}"
        headers = {"Content-Type": manifest.media_type}
        async with self._session.put(url, data=manifest.content, headers=headers):
            pass

    async def tags(self, repository: str) -> set[str]:
        """What the repository lists; nothing where there is none."""
        async with self._session.get(f"{self._url}/v2/{repository}/tags/list", raise_for_status=False) as answer:
            return set((await answer.json())["tags"] or ()) if answer.ok else set()

    async def digest(self, repository: str, tag: str) -> str:
        """What the tag points at."""
        url = f"{self._url}/v2/{repository}/manifests/{tag}"
        async with self._session.head(url, headers={"Accept": ACCEPT}) as answer:
            return str(answer.headers["Docker-Content-Digest"])


@asynccontextmanager
async def _pusher(url: str, *, certificate: Certificate | None) -> AsyncIterator[_Pusher]:
    trust = ssl.create_default_context(cafile=str(certificate.file)) if certificate else True
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=trust),
        timeout=aiohttp.ClientTimeout(total=None),
        raise_for_status=True,
    ) as session:
        yield _Pusher(session, url)
