"""Rule 10: targets that take no index of which parts are missing, found out before anything large is moved."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, Code, Side
from mirrors.oci.copying.options import IndexMode
from mirrors.oci.images.platforms import parse_platforms
from mirrors.sample.images import small_index
from tests.oci.quirks.conftest import Mirror
from tests.registry import FaultyRegistry, StoredTags

REFUSALS = [(400, "MANIFEST_BLOB_UNKNOWN"), (404, "MANIFEST_UNKNOWN"), (400, "MANIFEST_INVALID"), (404, "BLOB_UNKNOWN")]
ARM = parse_platforms(["linux/arm64"])


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_target_that_refuses_sparse_indexes_is_named_and_sent_no_blob(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, refusal: tuple[int, str]
) -> None:
    app.put(small_index(), tag="v1")
    target_registry.switches.sparse_indexes, target_registry.switches.sparse_refusal = False, refusal
    outcome = await mirror(platforms=ARM)
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.side) == (Code.UNSUPPORTED, Side.TARGET)
    held = target_registry.repository("mirror/app")
    assert (held.tags, held.blobs) == ({}, {})


async def test_a_sparse_index_keeps_its_bytes_where_it_is_taken(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    index = small_index()
    app.put(index, tag="v1")
    assert (await mirror(platforms=ARM)).action is Action.COPIED
    held = target_registry.repository("mirror/app")
    assert held.tags == {"v1": index.manifest.digest}
    assert held.manifests[index.manifest.digest].content == index.manifest.content
    arm = dict(zip(("amd64", "arm64", "s390x", "ppc64le"), index.children, strict=True))["arm64"]
    assert set(held.manifests) == {index.manifest.digest, arm.manifest.digest}
    assert held.blobs == arm.blobs


async def test_a_rewritten_index_is_taken_by_every_target(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    app.put(small_index(), tag="v1")
    target_registry.switches.sparse_indexes = False
    outcome = await mirror(platforms=ARM, index_mode=IndexMode.REWRITTEN)
    assert outcome.action is Action.COPIED, outcome.reason
    assert "digest differs" in outcome.reason
    held = target_registry.repository("mirror/app")
    assert [move.complete for move in held.moves] == [True]
    assert len(held.manifests) == 2
