"""What a registry product does otherwise than the specification says, as data that the engine reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MIB = 1 << 20


class UploadStyle(StrEnum):
    """How a blob's bytes go to a registry, after a POST has opened the upload.

    PUT: all of them in the PUT that ends it. PATCH: all of them in one PATCH, then an empty PUT; it goes on where it
    broke off if the registry has kept what came. CHUNKS: a PATCH with Content-Range for each chunk, then an empty PUT.
    """

    PUT = "put"
    PATCH = "patch"
    CHUNKS = "chunks"


class Deletion(StrEnum):
    """What a registry deletes over the distribution API. DIGESTS: no tag without all the others of its digest."""

    TAGS = "tags"
    DIGESTS = "digests"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RegistryProfile:
    """One product. The defaults suit every registry, because the engine also learns from what it is answered.

    name, title: for choices and pages. hosts: globs over `host` that belong to this product alone.
    uploads: for blobs of up to `large` bytes. large_uploads: for those above, where a fresh start is dear.
    chunk_size: bytes of each PATCH of style CHUNKS.
    mounts: whether a blob can be taken over from another repository of the registry at all.
    tag_page: how many tags to ask for at a time; None leaves it to the registry.
    deletion: what can be deleted; DIGESTS and NONE spare a request that is bound to fail.
    counts_pulls: whether each GET of a manifest counts against a limit, and a HEAD does not.
    manifest_limit: bytes, where the registry refuses more; None where nobody said.
    """

    name: str
    title: str
    hosts: tuple[str, ...] = ()
    uploads: UploadStyle = UploadStyle.PUT
    large_uploads: UploadStyle = UploadStyle.PATCH
    large: int = 256 * MIB
    chunk_size: int = 64 * MIB
    mounts: bool = True
    tag_page: int | None = None
    deletion: Deletion = Deletion.TAGS
    counts_pulls: bool = False
    manifest_limit: int | None = None


GENERIC = RegistryProfile("", "Any registry")
"""Of a registry that nobody knows."""
