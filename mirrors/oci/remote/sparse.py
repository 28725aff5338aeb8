"""Whether a registry takes an index of which parts are missing: asked before gigabytes are moved for one.

Quay says so in a header. Every other registry is shown a throw-away index, which is removed again where it is taken.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from mirrors.oci.errors import NotFound, OCIError, Unsupported
from mirrors.oci.images.manifest import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, Descriptor, Manifest, sha256_digest
from mirrors.oci.remote.untag import DeletableRepository

HEADER = "X-Sparse-Manifest-Support"
_NOBODY_HAS = b"A manifest that no registry has."


async def probe_sparse_index(repository: DeletableRepository, *, left_out: Descriptor) -> bool:
    """Push an index that lists nothing but a missing manifest, of the type and platform of this one."""
    index = _throw_away(left_out)
    try:
        await repository.push_manifest(index)
    except (Unsupported, NotFound):
        return False
    with suppress(OCIError):  # Its bytes are the same every time, so at most one stays where nothing is deleted.
        await repository.delete_manifest(index.digest)
    return True


def _throw_away(left_out: Descriptor) -> Manifest:
    entry: dict[str, Any] = {
        "mediaType": left_out.media_type,
        "digest": sha256_digest(_NOBODY_HAS),
        "size": len(_NOBODY_HAS),
    }
    if platform := left_out.platform:
        # CNCF distribution 3 can be told to want some platforms and not others.
        entry["platform"] = {"architecture": platform.architecture, "os": platform.os}
        if platform.variant:
            entry["platform"]["variant"] = platform.variant
    media_type = DOCKER_LIST if left_out.media_type in (DOCKER_MANIFEST, DOCKER_LIST) else OCI_INDEX
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": [entry]}
    return Manifest(json.dumps(document, separators=(",", ":")).encode(), media_type)
