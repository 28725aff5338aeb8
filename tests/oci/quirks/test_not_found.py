"""Rule 15: 404 for what was pushed a moment ago, and 404 from registries that hide what one may not see."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, Code
from mirrors.sample.images import small_image, small_index
from tests.oci.quirks.conftest import Mirror
from tests.registry import FaultyRegistry, StoredTags


@pytest.mark.parametrize("unseen", [1, 3])
async def test_what_a_replica_has_not_seen_yet_costs_no_tag(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, unseen: int
) -> None:
    app.put(small_index(), tag="v1")
    target_registry.switches.unseen_after_push = unseen
    assert (await mirror()).action is Action.COPIED
    assert target_registry.repository("mirror/app").is_complete(app.tags["v1"])


async def test_a_child_that_is_not_seen_yet_is_waited_for(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    app.put(small_index(), tag="v1")
    unknown = b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}'
    target_registry.fail("PUT", "/manifests/v1", status=400, body=unknown)
    assert (await mirror()).action is Action.COPIED


async def test_a_404_is_told_as_not_there_or_not_for_us(
    source_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.fail("GET", "/blobs/", status=404, body=b"", times=99)
    outcome = await mirror()
    assert outcome.error is not None
    assert outcome.error.code is Code.NOT_FOUND
    assert "or gives no access to it" in outcome.reason
    assert "credentials" in outcome.reason
