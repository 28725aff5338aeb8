"""Which parts of an index a list of architectures wants, by Quay's rules: the architecture alone decides."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from mirrors.oci.errors import PlatformMismatch, Side
from mirrors.oci.manifest import INDEX_TYPES, REFERENCE_DIGEST, Descriptor


def wanted_children(children: Iterable[Descriptor], *, architectures: Collection[str]) -> list[Descriptor]:
    """The children to copy, in order: images of these architectures, their attestations, and every nested index.

    No architectures means everything.
    """
    listed = list(children)
    if not architectures:
        return listed
    images = {child.digest for child in listed if child.platform and child.platform.architecture in architectures}
    return [
        child
        for child in listed
        if child.digest in images
        or child.media_type in INDEX_TYPES
        or child.annotations.get(REFERENCE_DIGEST) in images
    ]


def no_wanted_platform(children: Iterable[Descriptor], *, architectures: Collection[str], tag: str) -> PlatformMismatch:
    """The error for an index without any of the architectures; it lists both sides of the misunderstanding."""
    available = sorted({child.platform.architecture for child in children if child.platform} - {"", "unknown"})
    return PlatformMismatch(
        f"{tag} has no image for {', '.join(sorted(architectures))}. "
        f"It has {', '.join(available) or 'none with a name'}. "
        "Change the architectures of the mirror, or leave the tag out.",
        side=Side.SOURCE,
    )


def architecture_of(config: bytes) -> str:
    """The architecture an image's config names, or an empty string for an artifact that has none."""
    try:
        architecture = json.loads(config)["architecture"]
    except (ValueError, KeyError, TypeError):
        return ""
    return architecture if isinstance(architecture, str) else ""
