"""Rule 8: blobs, then children, then the index, then what refers to it; the tag last of all."""

from __future__ import annotations

from mirrors.oci import Action, copy_tags
from mirrors.sample.images import build_index, image_of_size, small_index
from tests.oci.artifacts import put_fallback, referrer
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
    for each in (sbom, signature):
        each.put(app, tag="gone")
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


async def test_an_index_of_referrers_that_is_a_tag_waits_for_the_image_it_is_about(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, source, target
) -> None:
    image = image_of_size(2 << 20, layers=1)
    app.put(image, tag="v1")
    put_fallback(app, image, referrer(image))
    source_registry.switches.referrers = "404"
    source_registry.switches.cuts = [100_000] * 3  # so that the image takes a while
    target_registry.behave_like("gitlab")
    outcomes = await copy_tags(source, target, list(app.tags))
    assert [(outcome.action, outcome.reason) for outcome in outcomes] == [(Action.COPIED, "")] * 2
    assert target_registry.repository("mirror/app").tags == app.tags
