"""Rule 9: layers that are not to be distributed stay where they are, unless they are asked for."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, Side
from tests.oci.quirks.conftest import Mirror
from tests.oci.quirks.data_sets import (
    CONFIG_TYPE,
    FOREIGN_TYPE,
    LAYER_TYPE,
    DataSet,
    blobs_of,
    digest_of,
    entry,
    image_manifest,
)
from tests.registry import FaultyRegistry, StoredTags

CONFIG = b'{"architecture":"amd64","os":"windows"}'
DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def windows(media_type: str) -> DataSet:
    """An image with one layer of its own and one of Microsoft's."""
    foreign = entry(media_type, b"foreign", urls=["http://127.0.0.1:1/foreign"])
    root = image_manifest(entry(CONFIG_TYPE, CONFIG), [foreign, entry(LAYER_TYPE, b"own")])
    return DataSet(root, blobs=blobs_of(CONFIG, b"own"))


@pytest.mark.parametrize("media_type", [FOREIGN_TYPE, DOCKER_FOREIGN])
async def test_a_foreign_layer_keeps_its_descriptor_and_is_not_asked_for(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, media_type: str
) -> None:
    data = windows(media_type)
    data.put(app, tag="v1")
    assert (await mirror()).action is Action.COPIED
    held = target_registry.repository("mirror/app")
    assert held.manifests[data.root.digest].content == data.root.content
    assert held.blobs == data.blobs
    assert not source_registry.count(path=digest_of(b"foreign"))


async def test_a_foreign_layer_is_copied_where_that_is_asked_for(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    data = windows(FOREIGN_TYPE)
    data.put(app, tag="v1")
    app.blobs |= blobs_of(b"foreign")
    target_registry.switches.needs_foreign_layers = True
    outcome = await mirror(foreign_layers=True)
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").blobs == app.blobs


async def test_a_target_that_wants_foreign_layers_is_told_about(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    windows(FOREIGN_TYPE).put(app, tag="v1")
    target_registry.switches.needs_foreign_layers = True
    outcome = await mirror()
    assert outcome.action is Action.FAILED
    assert outcome.error is not None
    assert outcome.error.side is Side.TARGET
    assert target_registry.repository("mirror/app").tags == {}
