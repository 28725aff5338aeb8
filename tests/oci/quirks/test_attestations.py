"""Rule 11: attestations in an index share the fate of the image that they speak of."""

from __future__ import annotations

import json

import pytest

from mirrors.oci import Action
from mirrors.oci.copying.options import IndexMode
from mirrors.oci.images.manifest import REFERENCE_DIGEST
from mirrors.oci.images.platforms import parse_platforms
from mirrors.sample.images import small_image
from tests.oci.quirks.conftest import Mirror
from tests.oci.quirks.data_sets import DataSet, entry_of, from_image, index_manifest
from tests.registry import FaultyRegistry, StoredTags

UNKNOWN = {"os": "unknown", "architecture": "unknown"}


@pytest.fixture
def attested(app: StoredTags) -> dict[str, DataSet]:
    """amd64 and arm64, each with an attestation as BuildKit writes it, under the tag v1."""
    parts, entries = {}, []
    for name in ("amd64", "arm64"):
        parts[name] = from_image(small_image(architecture=name))
        parts[f"{name} attested"] = from_image(small_image(9, architecture=name))
        entries.append(entry_of(parts[name].root, platform={"os": "linux", "architecture": name}))
        annotations = {
            REFERENCE_DIGEST: parts[name].root.digest,
            "vnd.docker.reference.type": "attestation-manifest",
        }
        entries.append(entry_of(parts[f"{name} attested"].root, platform=UNKNOWN, annotations=annotations))
    blobs: dict[str, bytes] = {}
    for part in parts.values():
        blobs |= part.blobs
    DataSet(index_manifest(entries), [part.root for part in parts.values()], blobs).put(app, tag="v1")
    return parts


@pytest.mark.parametrize("mode", IndexMode)
async def test_an_attestation_stays_behind_with_its_image_and_goes_with_it(
    target_registry: FaultyRegistry,
    app: StoredTags,
    mirror: Mirror,
    attested: dict[str, DataSet],
    mode: IndexMode,
) -> None:
    outcome = await mirror(platforms=parse_platforms(["linux/arm64"]), index_mode=mode)
    assert outcome.action is Action.COPIED, outcome.reason
    held = target_registry.repository("mirror/app")
    root = held.manifests[held.tags["v1"]]
    below = set(held.manifests) - {root.digest}
    assert below == {attested["arm64"].root.digest, attested["arm64 attested"].root.digest}
    if mode is IndexMode.REWRITTEN:
        assert {each["digest"] for each in json.loads(root.content)["manifests"]} == below
    else:
        assert root.content == app.manifests[app.tags["v1"]].content


async def test_without_a_filter_attestations_are_content_as_any_other(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, attested: dict[str, DataSet]
) -> None:
    assert (await mirror()).action is Action.COPIED
    held = target_registry.repository("mirror/app")
    assert {part.root.digest for part in attested.values()} <= set(held.manifests)
    assert held.is_complete(app.tags["v1"])
