"""A new index of some of the entries of another."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mirrors.oci.images.manifest import Descriptor, Manifest


def rewritten_index(index: Manifest, *, entries: Sequence[Descriptor | None]) -> Manifest:
    """The index with only some of its entries, in their order; its other members stay as they are.

    entries: for each of `index.entries()` what it points at from now on, or None to leave it out. The same index and
    entries give the same bytes, in every version of Mirrorfarm: targets are compared by their digest. An index that
    loses nothing is returned itself. The digest is of the same algorithm as the index's.
    """
    listed = index.document.get("manifests") or []
    kept = [_pointed(entry, at=target) for entry, target in zip(listed, entries, strict=True) if target is not None]
    if kept == listed:
        return index
    # Sorted neither here nor there: members keep the order in which the publisher wrote them.
    content = json.dumps({**index.document, "manifests": kept}, separators=(",", ":")).encode()
    return Manifest(content, index.media_type, index.algorithm)


def _pointed(entry: dict[str, object], *, at: Descriptor) -> dict[str, object]:
    if entry["digest"] == at.digest:
        return entry
    # Embedded content is that of the old digest.
    return {name: value for name, value in entry.items() if name != "data"} | {"digest": at.digest, "size": at.size}
