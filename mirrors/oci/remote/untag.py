"""Taking one tag away from a registry that deletes by digest only (distribution 2, and others like it)."""

from __future__ import annotations

import json
import uuid
from typing import Protocol

from mirrors.oci.concurrency import uninterrupted
from mirrors.oci.content import ContentRepository, in_memory
from mirrors.oci.errors import NotFound, OCIError, Unsupported
from mirrors.oci.images.manifest import OCI_MANIFEST, Descriptor, Manifest, sha256_digest

_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"


class DeletableRepository(ContentRepository, Protocol):
    """A repository with DELETE for manifests."""

    async def delete_manifest(self, reference: str) -> None:
        """Delete a manifest; by digest, all its tags go along. Raises NotFound, and Unsupported where switched off."""


async def untag(repository: DeletableRepository, tag: str) -> None:
    """Point the tag at a manifest of its own, then delete that one by its digest.

    Deleting the tag's own digest would take along every other tag it has, and tear holes into indexes that list it.
    Where the registry does not delete by digest either, Unsupported is raised and the tag is as it was.
    """
    if await repository.resolve(tag) is None:
        return
    config, placeholder = _placeholder(tag)
    await _check_deletion(repository, placeholder.digest)
    original = await repository.fetch_manifest(tag)
    await repository.push_blob(config[0], in_memory(config[1]))
    # A cancel in between would leave the tag pointing at nothing of use, until it is to be removed again.
    await uninterrupted(_swap_and_delete(repository, tag, original=original, placeholder=placeholder))


async def _swap_and_delete(
    repository: DeletableRepository, tag: str, *, original: Manifest, placeholder: Manifest
) -> None:
    await repository.push_manifest(placeholder, tag=tag)
    try:
        await repository.delete_manifest(placeholder.digest)
    except OCIError:
        await repository.push_manifest(original, tag=tag)
        raise


async def _check_deletion(repository: DeletableRepository, unknown_digest: str) -> None:
    """Delete what is not there: NotFound shows that deletion is switched on."""
    try:
        await repository.delete_manifest(unknown_digest)
    except NotFound:
        return
    except Unsupported as error:
        raise Unsupported(
            f"{repository.location} does not delete tags of {repository.name}. Switch deletion on in that registry, "
            "or keep the tags.",
            side=error.side,
        ) from error


def _placeholder(tag: str) -> tuple[tuple[Descriptor, bytes], Manifest]:
    config = json.dumps(
        {
            "architecture": "unknown",
            "os": "unknown",
            "config": {"Labels": {"mirrorfarm.removed-tag": tag, "mirrorfarm.id": uuid.uuid4().hex}},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
    ).encode()
    descriptor = Descriptor(_CONFIG_TYPE, sha256_digest(config), len(config))
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": _CONFIG_TYPE, "digest": descriptor.digest, "size": descriptor.size},
        "layers": [],
    }
    return (descriptor, config), Manifest(json.dumps(document).encode(), OCI_MANIFEST)
