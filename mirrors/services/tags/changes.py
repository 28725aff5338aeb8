"""Moving and deleting tags by hand, in repositories that nothing but people changes."""

from __future__ import annotations

from contextlib import suppress

from mirrors import oci
from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Repository
from mirrors.oci import Manifest, Side
from mirrors.oci.images.names import is_digest, is_tag
from mirrors.services import access
from mirrors.services.logs.log_entries import record
from mirrors.services.syncs import connections
from mirrors.services.tags.listing import target_of, wait_for


def move_tag(repository: Repository, tag: str, digest: str, *, by: access.Account) -> None:
    """Point the tag at a manifest that the repository has, be it a new tag or one that is somewhere else.

    Raises NotWritable, Forbidden, InvalidInput, NotFound for a digest that is not there, RegistryFailed.
    """
    before = _point(repository, tag, digest, by=by)
    if before:
        record("move_tag", repository=repository, tag=tag, manifest_digest=digest, original_manifest_digest=before)
    else:
        record("create_tag", repository=repository, tag=tag, manifest_digest=digest)


def restore_tag(repository: Repository, tag: str, digest: str, *, by: access.Account) -> None:
    """Point the tag at what it was before; the same as to move it, but for the log."""
    _point(repository, tag, digest, by=by)
    record("revert_tag", repository=repository, tag=tag, manifest_digest=digest)


def delete_tag(repository: Repository, tag: str, *, by: access.Account) -> None:
    """Remove the tag and no other of its image; raises as `move_tag` does, and NotFound where there is no such tag."""
    access.check_may_write_tags(by, repository)
    target = target_of(repository)
    digest = wait_for(_delete(target, tag), target) if is_tag(tag) else ""
    if not digest:
        raise NotFound(f"{repository} has no tag {tag}.")
    record("delete_tag", repository=repository, tag=tag, manifest_digest=digest)


def _point(repository: Repository, tag: str, digest: str, *, by: access.Account) -> str:
    """Point the tag at the manifest; gives the digest that it had, or nothing."""
    access.check_may_write_tags(by, repository)
    if not is_tag(tag):
        raise InvalidInput("A tag has 1 to 128 letters, digits and . _ - and begins with none of . and -.", field="tag")
    if not is_digest(digest):
        raise InvalidInput("manifest_digest must be a digest: sha256: and 64 hex digits.", field="manifest_digest")
    target = target_of(repository)
    return wait_for(_push(target, tag, digest), target)


async def _push(target: connections.Location, tag: str, digest: str) -> str:
    async with connections.opened(target, side=Side.TARGET) as repository:
        manifest: Manifest = await repository.fetch_manifest(digest)
        before = await repository.resolve(tag)
        await repository.push_manifest(manifest, tag=tag)
        return before.digest if before else ""


async def _delete(target: connections.Location, tag: str) -> str:
    async with connections.opened(target, side=Side.TARGET) as repository:
        with suppress(oci.NotFound):
            if found := await repository.resolve(tag):
                await repository.delete_tag(tag)
                return found.digest
        return ""
