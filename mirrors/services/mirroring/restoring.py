"""Putting back a tag that pruning has deleted, and sparing it from then on.

The request is a Sync of its own (`Sync.restores`), which a worker runs like any other; `put_back` is its work.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from django.db import IntegrityError, transaction
from django.db.models import Q

from mirrors import oci, queue
from mirrors.errors import AlreadyExists, AlreadySyncing, NotFound
from mirrors.models import Mirror, MirroredTag, Sync, TagCopy, User
from mirrors.models.sync import Trigger
from mirrors.oci import Action, ContentRepository, CopyOptions, Descriptor, Manifest, Progress, Side, TagOutcome
from mirrors.services.logs import log_entries
from mirrors.services.syncs.syncs import check_state, check_still_mirrored


@transaction.atomic
def request_restore(mirror: Mirror, tag: str, *, digest: str = "", by: User | None = None) -> Sync:
    """Queue the return of a deleted tag; its digest is that which it had when it was deleted, unless one is given.

    Raises NotFound where the history does not know the tag with that digest, AlreadyExists while the tag follows its
    source, AlreadySyncing while a sync is queued or running.
    """
    check_state(mirror)
    copy = _recorded(mirror, tag, digest=digest)
    if tag not in mirror.kept_tags and MirroredTag.objects.filter(mirror=mirror, tag=tag).exclude(target_digest=""):
        raise AlreadyExists(
            f"{tag} of {mirror.repository} is there and follows its source. Leave it out of the tag patterns first: "
            "the next sync would undo what is restored."
        )
    target_digest = digest or copy.target_digest_before
    restores = {"tag": tag, "target_digest": target_digest, "source_digest": copy.source_digest or target_digest}
    sync = _insert(mirror, restores, by=by)
    log_entries.record("revert_tag", repository=mirror.repository, performer=by, tag=tag, manifest_digest=target_digest)
    queue.enqueue_sync(sync)
    return sync


@transaction.atomic
def let_go(mirror: Mirror, tag: str) -> None:
    """From the next sync on the tag goes again unless a pattern selects it; NotFound where it is not kept."""
    kept = _locked(mirror).kept_tags
    if tag not in kept:
        raise NotFound(f"{tag} of {mirror.repository} is not among the tags that are kept.")
    _set_kept(mirror, [other for other in kept if other != tag])


def keep(mirror: Mirror, tag: str) -> None:
    """Spare the tag that has been put back. To be called in the transaction that ends the sync which did it."""
    kept = _locked(mirror).kept_tags
    if tag not in kept:
        _set_kept(mirror, [*kept, tag])


async def put_back(
    restores: dict[str, str],
    *,
    source: ContentRepository,
    target: ContentRepository,
    options: CopyOptions,
    progress: Progress,
) -> TagOutcome:
    """The tag at the target again: by its digest where the target still has that, else copied from the source.

    What only one of both has lost is no failure; what both have lost is one, of the kind NotFound.
    """
    tag, digest = restores["tag"], restores["target_digest"]
    there = await target.resolve(tag)
    before = there.digest if there else None
    manifest = await _tagged_at_target(target, tag, digest=digest)
    if manifest is not None:
        action = Action.UNCHANGED if before == digest else Action.COPIED
        reason = "Restored; the target still had it."
        return TagOutcome(tag, action, None, before, digest, manifest.media_type, reason=reason)
    pinned = _Pinned(source, tag, restores["source_digest"])
    if await pinned.resolve(tag) is None:
        error = oci.NotFound(
            f"Neither {target.location} nor {source.location} has {digest} any more: {tag} cannot be restored.",
            side=Side.SOURCE,
        )
        return TagOutcome(tag, Action.FAILED, target_digest_before=before, reason=error.message, error=error)
    again = replace(options, known={}, asks_target=True, deep=frozenset({tag}), source_tags=None)
    [outcome] = await oci.copy_tags(cast(ContentRepository, pinned), target, [tag], options=again, progress=progress)
    return outcome if outcome.error else replace(outcome, reason=_told(outcome, digest=digest))


async def _tagged_at_target(target: ContentRepository, tag: str, *, digest: str) -> Manifest | None:
    """The manifest, under its tag again; None where the target has lost it, or a part of it."""
    with suppress(oci.NotFound, oci.Refused):
        if await target.resolve(digest) is not None:
            manifest = await target.fetch_manifest(digest)
            await target.push_manifest(manifest, tag=tag)
            return manifest
    return None


def _told(outcome: TagOutcome, *, digest: str) -> str:
    if outcome.target_digest == digest:
        return " ".join(filter(None, ("Restored from the source.", outcome.reason)))
    return (
        f"Restored from the source as {outcome.target_digest}, for the platforms and the index mode of the mirror are "
        f"others than when it was {digest}. {outcome.reason}".strip()
    )


class _Pinned:
    """The source, where one tag still is what it was."""

    def __init__(self, source: ContentRepository, tag: str, digest: str) -> None:
        self._source = source
        self._tag = tag
        self._digest = digest

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def resolve(self, reference: str) -> Descriptor | None:
        """By the old digest, where it is that tag."""
        return await self._source.resolve(self._pinned(reference))

    async def fetch_manifest(self, reference: str) -> Manifest:
        """The same."""
        return await self._source.fetch_manifest(self._pinned(reference))

    def _pinned(self, reference: str) -> str:
        return self._digest if reference == self._tag else reference


def _recorded(mirror: Mirror, tag: str, *, digest: str) -> TagCopy:
    """The newest record that says what the tag was."""
    copies = TagCopy.objects.filter(sync__mirror=mirror, tag=tag).order_by("-pk")
    if digest:
        copies = copies.filter(Q(target_digest_before=digest) | Q(target_digest=digest))
        # The record of the copy knows what it was at the source; that of the deletion may not.
        found = copies.filter(target_digest=digest).exclude(source_digest="").first() or copies.first()
    else:
        found = copies.filter(action=TagCopy.Action.DELETED).exclude(target_digest_before="").first()
    if found is None:
        what = f"that {tag} of {mirror.repository} was ever {digest}" if digest else f"a deletion of {tag}"
        raise NotFound(f"The history of {mirror.repository} does not know {what}. It may have been forgotten by now.")
    return found


def _insert(mirror: Mirror, restores: dict[str, str], *, by: User | None) -> Sync:
    try:
        with transaction.atomic():
            sync = Sync.objects.create(
                mirror=mirror,
                trigger=Trigger.RESTORE,
                priority=Sync.MANUAL_PRIORITY,
                requested_by=by,
                only_tags=[restores["tag"]],
                restores=restores,
            )
    except IntegrityError as error:  # one_active_sync_per_mirror
        raise AlreadySyncing(
            f"A sync of {mirror.repository} is queued or running. Wait for it, or cancel it; then restore the tag."
        ) from error
    check_still_mirrored(mirror)
    return sync


def _locked(mirror: Mirror) -> Mirror:
    row = Mirror.objects.select_for_update().filter(pk=mirror.pk).first()
    if row is None:
        raise NotFound(f"{mirror.repository} is not mirrored any more: somebody has just removed its mirror.")
    return row


def _set_kept(mirror: Mirror, tags: list[str]) -> None:
    # Not by save(): kept tags are no part of the configuration whose version clients compare.
    Mirror.objects.filter(pk=mirror.pk).update(kept_tags=tags)
    mirror.kept_tags = tags
    log_entries.record("repo_mirror_config_changed", repository=mirror.repository, changed="kept_tags", to=tags)
