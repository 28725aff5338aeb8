"""Rule 8: blobs, then children, then the index, then what refers to it; the tag last of all."""

from __future__ import annotations

from mirrors.oci import Action
from mirrors.sample.images import build_index, small_index
from tests.oci.quirks.conftest import Mirror
from tests.oci.quirks.data_sets import artifact, from_image
from tests.registry import FaultyRegistry, StoredTags


async def test_nothing_is_pushed_before_what_it_lists(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    nested = build_index({"amd64": small_index(1), "arm64": small_index(2)})
    app.put(nested, tag="v1")
    target_registry.switches.sparse_indexes = False
    assert (await mirror()).action is Action.COPIED
    written = [request for request in target_registry.seen("PUT") if request.status == 201]
    assert len(written) == len(target_registry.seen("PUT"))  # nothing was refused and pushed again
    assert written[-1].path.endswith("/manifests/v1")
    assert [move.complete for move in target_registry.repository("mirror/app").moves] == [True]


async def test_a_subject_goes_before_what_refers_to_it(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    image = from_image(small_index(3))
    sbom = artifact("sbom", subject=image.root)
    signature = artifact("signature of the sbom", subject=sbom.root)
    image.put(app, tag="v1")
    for referrer in (sbom, signature):
        referrer.put(app, tag="gone")
    del app.tags["gone"]
    target_registry.behave_like("gitlab")
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    held = target_registry.repository("mirror/app")
    assert {sbom.root.digest, signature.root.digest} <= set(held.manifests)
    assert {request.status for request in target_registry.seen("PUT", "/manifests/")} == {201}


async def test_a_referrer_that_is_a_tag_brings_its_subject_where_the_target_wants_it(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    image = from_image(small_index(4))
    sbom = artifact("sbom", subject=image.root)
    image.put(app, tag="v1")
    sbom.put(app, tag="sbom")
    await mirror("v1")
    target_registry.behave_like("gitlab")
    assert (await mirror("sbom")).action is not Action.FAILED
    assert target_registry.repository("mirror/app").tags["sbom"] == sbom.root.digest
