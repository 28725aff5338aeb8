"""Rule 12: sha512 beside sha256, and targets that do not know it, or hash again what they are sent."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, Code, Side
from mirrors.oci.images.companions import fallback_tag
from mirrors.oci.images.manifest import OCI_MANIFEST, Manifest
from mirrors.sample.images import small_image
from tests.oci.quirks.conftest import Mirror
from tests.oci.quirks.data_sets import DATA_SETS, DataSet
from tests.registry import FaultyRegistry, StoredTags


@pytest.fixture
def root512(app: StoredTags) -> Manifest:
    """An image whose own digest is sha512, under the tag v1."""
    image = small_image(5)
    root = Manifest(image.manifest.content, OCI_MANIFEST, "sha512")
    DataSet(root, blobs=image.all_blobs()).put(app, tag="v1")
    return root


async def test_a_sha512_root_keeps_its_digest_where_the_target_lets_it(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, root512: Manifest
) -> None:
    target_registry.switches.tag_parameters = True
    assert (await mirror()).action is Action.COPIED
    held = target_registry.repository("mirror/app")
    assert held.tags == {"v1": root512.digest}
    assert held.manifests[root512.digest].content == root512.content
    assert (await mirror()).action is Action.UNCHANGED


async def test_a_target_that_hashes_tags_again_gets_the_same_bytes(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, root512: Manifest
) -> None:
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    held = target_registry.repository("mirror/app")
    assert held.manifests[held.tags["v1"]].content == root512.content


@pytest.mark.parametrize("name", ["sha512 blobs", "sha512 child"])
async def test_a_target_without_sha512_is_named(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, name: str
) -> None:
    DATA_SETS[name].put(app, tag="v1")
    target_registry.switches.sha512 = "refused"
    outcome = await mirror()
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.side) == (Code.UNSUPPORTED, Side.TARGET)
    assert target_registry.repository("mirror/app").tags == {}


async def test_a_child_that_is_stored_under_another_digest_is_found_out(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    DATA_SETS["sha512 child"].put(app, tag="v1")
    target_registry.switches.sha512, target_registry.switches.sparse_indexes = "rehashed", False
    outcome = await mirror()
    assert (outcome.action, outcome.error and outcome.error.side) == (Action.FAILED, Side.TARGET)
    assert target_registry.repository("mirror/app").tags == {}


def test_a_fallback_tag_is_cut_to_what_a_tag_may_be() -> None:
    assert fallback_tag("sha256:" + "ab" * 32) == "sha256-" + "ab" * 32
    assert fallback_tag("sha512:" + "ab" * 64) == "sha512-" + "ab" * 32
    assert fallback_tag("multihash+base58:" + "Q" * 80) == "multihash-base58-" + "Q" * 64
    assert len(fallback_tag("a" * 99 + ":" + "b" * 99)) == 32 + 1 + 64


@pytest.mark.parametrize(
    "digest", ["md5:" + "0" * 32, "sha256:" + "A" * 64, "sha256:" + "0" * 63, "sha512:" + "0" * 64]
)
async def test_a_digest_that_cannot_be_verified_is_refused(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, digest: str
) -> None:
    manifest = Manifest(
        b'{"schemaVersion":2,"config":{"mediaType":"x","digest":"%s","size":1},"layers":[]}' % digest.encode(),
        OCI_MANIFEST,
    )
    DataSet(manifest).put(app, tag="v1")
    outcome = await mirror()
    assert (outcome.action, outcome.error and outcome.error.side) == (Action.FAILED, Side.SOURCE)
    assert target_registry.count("PUT") == 0
