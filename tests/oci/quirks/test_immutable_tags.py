"""Rule 21: tags that may not move. Equal is done without a push; different is an outcome, and not tried again."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, Code, Side
from mirrors.sample.images import small_image, small_index
from tests.oci.quirks.conftest import Mirror
from tests.registry import FaultyRegistry, StoredTags

KINDS = ["412", "400", "403", "409", "ecr"]


@pytest.mark.parametrize("immutable", KINDS)
async def test_an_equal_tag_is_done_without_a_push(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, immutable: str
) -> None:
    app.put(small_index(), tag="v1")
    await mirror()
    target_registry.switches.immutable = immutable
    target_registry.requests.clear()
    assert (await mirror()).action is Action.UNCHANGED
    assert target_registry.count("PUT") == 0


@pytest.mark.parametrize("immutable", KINDS)
async def test_a_different_tag_is_an_outcome_of_its_own_and_pushed_once(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, immutable: str
) -> None:
    held = target_registry.repository("mirror/app")
    held.put(small_image(1), tag="v1")
    app.put(small_image(2), tag="v1")
    target_registry.switches.immutable = immutable
    outcome = await mirror()
    assert outcome.action is Action.FAILED
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.side) == (Code.IMMUTABLE, Side.TARGET)
    assert held.tags["v1"] == small_image(1).manifest.digest
    assert target_registry.count("PUT", "/manifests/v1") == 1


@pytest.mark.parametrize("immutable", KINDS)
async def test_a_new_tag_is_not_held_up(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, immutable: str
) -> None:
    app.put(small_image(), tag="v1")
    target_registry.switches.immutable = immutable
    assert (await mirror()).action is Action.COPIED
