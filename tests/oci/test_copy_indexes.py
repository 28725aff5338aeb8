from __future__ import annotations

import json

from mirrors.oci import Action, Side, copy_tags
from mirrors.oci.manifest import OCI_INDEX, OCI_MANIFEST, Manifest
from mirrors.sample.images import Image, build_index, small_image, small_index
from tests.registry import FaultyRegistry


async def test_of_a_large_index_only_some_images_are_held_at_a_time(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    index = build_index({f"arch{number}": small_image(number) for number in range(60)})
    source_registry.repository("library/app").put(index, tag="v1")
    source_registry.switches.delay = 0.02
    ahead = []
    fetch = source.fetch_manifest

    async def fetch_and_count(reference: str) -> Manifest:
        ahead.append(source_registry.count("GET", "/manifests/") - target_registry.count("PUT", "/manifests/"))
        return await fetch(reference)

    source.fetch_manifest = fetch_and_count
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED
    assert max(ahead) <= 17


async def test_an_index_that_is_listed_as_an_image_is_not_copied(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    inner = small_index()
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            {"mediaType": OCI_MANIFEST, "digest": inner.manifest.digest, "size": len(inner.manifest.content)}
        ],
    }
    outer = Image(Manifest(json.dumps(document).encode(), OCI_INDEX), children=(inner,))
    source_registry.repository("library/app").put(outer, tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert (outcome.action, outcome.error and outcome.error.side) == (Action.FAILED, Side.SOURCE)
    assert target_registry.repository("mirror/app").tags == {}
