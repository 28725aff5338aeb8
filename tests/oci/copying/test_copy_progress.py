from __future__ import annotations

import json
from pathlib import Path

import pytest

from mirrors.oci import Action, Progress, Store, StoredRepository, copy_tags
from mirrors.oci.images.manifest import OCI_MANIFEST, Manifest
from mirrors.sample.images import image_of_size
from tests.registry import FaultyRegistry

MIB = 1 << 20


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off takes no time here."""
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)


async def test_bytes_sent_twice_are_counted_once(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    source_registry.repository("library/app").put(image_of_size(4 * MIB, layers=3), tag="v1")
    target_registry.fail("PUT", "/blobs/", status=500, times=3)
    progress = Progress()
    (outcome,) = await copy_tags(source, target, ["v1"], progress=progress)
    assert outcome.action is Action.COPIED
    assert progress.bytes_copied == progress.bytes_expected > 4 * MIB
    assert progress.blobs_copied == 4


async def test_a_layer_that_stays_at_its_own_address_is_not_counted(
    source_registry: FaultyRegistry, source, tmp_path: Path
) -> None:
    image = image_of_size(MIB)
    document = json.loads(image.manifest.content)
    elsewhere = {"digest": "sha256:" + "9" * 64, "size": 5 * MIB, "urls": ["https://layers.example/9"]}
    document["layers"].append({"mediaType": "application/vnd.oci.image.layer.v1.tar"} | elsewhere)
    manifest = Manifest(json.dumps(document).encode(), OCI_MANIFEST)
    held = source_registry.repository("library/app")
    held.put(image)
    held.manifests[manifest.digest] = manifest
    held.tags["v1"] = manifest.digest
    progress = Progress()
    target = StoredRepository(Store(tmp_path, fsync=False), "acme/app")
    (outcome,) = await copy_tags(source, target, ["v1"], progress=progress)
    assert (outcome.action, outcome.blobs_copied) == (Action.COPIED, 2)
    assert progress.bytes_copied == progress.bytes_expected
