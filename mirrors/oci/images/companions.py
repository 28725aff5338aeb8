"""Tags that say in their name which manifest they belong to: `sha256-<hex>` and cosign's `sha256-<hex>.sig|.att|.sbom`.

Source: OCI distribution-spec v1.1, "Referrers tag schema"; sigstore's cosign, SPEC.md, "Storage".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

COSIGN_SUFFIXES = (".sig", ".att", ".sbom")
_LONGEST_ALGORITHM, _LONGEST_ENCODED = 32, 64
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9._-]")
_COMPANION = re.compile(r"((?:sha256|sha512)-[0-9a-f]{64})(?:\..+)?")


def fallback_tag(digest: str) -> str:
    """The tag under which a registry without the referrers API keeps the index of what refers to this digest."""
    algorithm, _, encoded = digest.partition(":")
    return _NOT_IN_TAGS.sub("-", f"{algorithm[:_LONGEST_ALGORITHM]}-{encoded[:_LONGEST_ENCODED]}")


def subject_key(tag: str) -> str | None:
    """The fallback tag of the manifest that a companion belongs to; None for a tag that is no companion."""
    match = _COMPANION.fullmatch(tag)
    return match[1] if match else None


class Companions:
    """The companions among a repository's tags, by the manifest they belong to."""

    def __init__(self, tags: Iterable[str]) -> None:
        self._by_key: defaultdict[str, list[str]] = defaultdict(list)
        for tag in sorted(tags):
            if (key := subject_key(tag)) is not None:
                self._by_key[key].append(tag)

    def __bool__(self) -> bool:
        return bool(self._by_key)

    def of(self, digest: str) -> list[str]:
        """The signatures and other tags that travel with this manifest; its fallback tag is not one of them."""
        key = fallback_tag(digest)
        return [tag for tag in self._by_key.get(key, ()) if tag != key]

    def has_fallback(self, digest: str) -> bool:
        """Whether there is an index of what refers to this manifest."""
        key = fallback_tag(digest)
        return key in self._by_key.get(key, ())


def companion_tags(kept: Iterable[str], tags: Iterable[str]) -> set[str]:
    """The tags that belong to one of the kept digests: they live as long as it does, selected by a pattern or not."""
    keys = {fallback_tag(digest) for digest in kept}
    return {tag for tag in tags if subject_key(tag) in keys}
