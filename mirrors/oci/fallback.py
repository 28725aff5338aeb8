"""The index that stands in for the referrers API: read where a registry lacks the API, and kept up by whoever pushes.

Source: OCI distribution-spec v1.1, "Referrers tag schema" and "Pushing manifests with subject".
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from mirrors.oci.content import ContentRepository
from mirrors.oci.errors import MalformedAnswer, NotFound, OCIError, RegistryFault, Side, Unsupported
from mirrors.oci.images.companions import fallback_tag
from mirrors.oci.images.manifest import OCI_INDEX, Descriptor, Manifest

_ATTEMPTS = 4
_UNSEEN = 0.2
"""Seconds. A replica may not have the index yet that was pushed to another."""


async def fetch_fallback(repository: ContentRepository, subject: str) -> Manifest | None:
    """The index of what refers to this digest, from its fallback tag; None where there is none to be relied on.

    That its entries name the subject is not checked: only they themselves can say so.
    """
    with suppress(NotFound, Unsupported, MalformedAnswer):
        found = await repository.fetch_manifest(fallback_tag(subject))
        if _is_fallback(found, subject=subject):
            return found
    return None


def subject_of(manifest: Manifest) -> str | None:
    """The digest that this manifest names as its subject, or None; one that cannot be read is none."""
    with suppress(MalformedAnswer):
        subject = manifest.subject
        return subject.digest if subject else None
    return None


def referrer_entries(index: Manifest) -> list[Descriptor]:
    """The entries that can be read; one that cannot is no reason to lose the others."""
    return list(filter(None, map(_descriptor, _listed(index))))


def referrer_entry(referrer: Manifest) -> dict[str, Any]:
    """How an index of referrers lists this manifest."""
    entry: dict[str, Any] = {
        "mediaType": referrer.media_type,
        "digest": referrer.digest,
        "size": len(referrer.content),
    }
    if referrer.artifact_type:
        entry["artifactType"] = referrer.artifact_type
    if referrer.annotations:
        entry["annotations"] = referrer.annotations
    return entry


class FallbackIndexes:
    """Keeps the indexes of a target without the referrers API; one writer at a time for each subject."""

    def __init__(self, target: ContentRepository) -> None:
        self._target = target
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def add(self, subject: str, referrers: Sequence[Manifest], *, original: Manifest | None = None) -> None:
        """List these under the subject's fallback tag, beside whatever is listed there already.

        original: the source's index; where the same manifests come out of it, its bytes are kept, so that the two stay
        comparable by digest. Raises Unsupported where the tag is in use for something else.
        """
        entries = {referrer.digest: referrer_entry(referrer) for referrer in referrers}
        async with self._locks[subject]:
            for attempt in range(_ATTEMPTS):
                await asyncio.sleep(_UNSEEN if attempt > 1 else 0)
                held = await self._read(subject)
                if held is not None and entries.keys() <= _digests(_listed(held)):
                    return
                # Read again after it: whoever writes at the same time, one of the two was too early.
                await self._write(_merged(held, entries, original=original), tag=fallback_tag(subject), attempt=attempt)
        raise RegistryFault(
            f"{self._target.location} does not keep the referrers of {subject} that are written to the tag "
            f"{fallback_tag(subject)}. Somebody else may be writing there; it is worth trying again.",
            side=Side.TARGET,
        )

    async def _write(self, index: Manifest, *, tag: str, attempt: int) -> None:
        """Push it once; where that fails for now, somebody else may write before it is read and merged again."""
        try:
            await self._target.push_manifest(index, tag=tag, repeatable=False)
        except OCIError as error:
            if not error.retryable or attempt == _ATTEMPTS - 1:
                raise
            await asyncio.sleep(2**attempt * random.uniform(0.5, 1.0))  # noqa: S311 - jitter

    async def _read(self, subject: str) -> Manifest | None:
        tag = fallback_tag(subject)
        try:
            held = await self._target.fetch_manifest(tag)
        except NotFound:
            return None
        except (Unsupported, MalformedAnswer) as error:
            raise self._occupied(tag) from error
        if not _is_fallback(held, subject=subject):
            raise self._occupied(tag)
        return held

    def _occupied(self, tag: str) -> Unsupported:
        return Unsupported(
            f"The tag {tag} of {self._target.name} is no index of referrers, and was left alone. Delete it at "
            f"{self._target.location}, and sync again.",
            side=Side.TARGET,
        )


def _is_fallback(index: Manifest, *, subject: str) -> bool:
    # Some answer with the subject itself, which may be an index too.
    return index.media_type == OCI_INDEX and index.digest != subject


def _merged(held: Manifest | None, entries: dict[str, dict[str, Any]], *, original: Manifest | None) -> Manifest:
    listed = _listed(held) if held else []
    added = entries.keys() - _digests(listed)
    merged = listed + [entry for digest, entry in entries.items() if digest in added]
    if original is not None and _digests(_listed(original)) == _digests(merged):
        return original
    others = held.document if held else {"schemaVersion": 2, "mediaType": OCI_INDEX}
    return Manifest(json.dumps({**others, "manifests": merged}, separators=(",", ":")).encode(), OCI_INDEX)


def _listed(index: Manifest) -> list[Any]:
    entries = index.document.get("manifests")
    return entries if isinstance(entries, list) else []


def _digests(entries: Iterable[Any]) -> set[str]:
    return {str(entry.get("digest")) for entry in entries if isinstance(entry, dict)}


def _descriptor(entry: Any) -> Descriptor | None:
    try:
        return Descriptor.from_json(entry)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
