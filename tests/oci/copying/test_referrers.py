"""What refers to an image comes along, its failures are told, and images without any cost next to nothing."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, CopyOptions, Progress, RemoteRepository, copy_tags
from mirrors.oci.copying import referrers as engine
from mirrors.oci.images.companions import fallback_tag
from mirrors.oci.images.platforms import parse_platforms
from mirrors.sample.images import small_image, small_index
from tests.oci.artifacts import SBOM, index_of, put_cosign, put_fallback, referrer
from tests.registry import FaultyRegistry, StoredTags


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off takes no time here."""
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)


@pytest.fixture
def app(source_registry: FaultyRegistry) -> StoredTags:
    """What the source holds in library/app."""
    return source_registry.repository("library/app")


@pytest.fixture
def held(target_registry: FaultyRegistry) -> StoredTags:
    """What the target holds in mirror/app, once it is there."""
    return target_registry.repositories.setdefault("mirror/app", StoredTags())


async def test_referrers_of_root_and_children_and_of_referrers_come_along_and_are_counted(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository
) -> None:
    image = small_index(1, architectures=("amd64", "arm64"))
    app.put(image, tag="v1")
    direct = referrer(image)
    others = [referrer(image.children[1], seed=1), referrer(direct, seed=2), index_of(direct, subject=direct.manifest)]
    for each in (direct, *others):
        app.put(each)
    progress = Progress()
    (outcome,) = await copy_tags(source, target, ["v1"], progress=progress)
    assert (outcome.action, outcome.referrers_copied, outcome.referrers_failed) == (Action.COPIED, 4, ())
    assert (progress.referrers_copied, progress.referrers_failed) == (4, 0)
    assert all(held.is_complete(each.manifest.digest) for each in (direct, *others))
    assert held.moves[-1].tag == "v1"


async def test_a_referrer_is_not_filtered_by_platform_and_goes_only_with_its_image(
    app: StoredTags, held: StoredTags, source: RemoteRepository, target: RemoteRepository
) -> None:
    image = small_index(1, architectures=("amd64", "arm64"))
    app.put(image, tag="v1")
    wanted, unwanted = image.children
    sbom = index_of(small_image(7, architecture="s390x"), subject=wanted.manifest)
    stays = referrer(unwanted)
    app.put(sbom)
    app.put(stays)
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(platforms=parse_platforms(["amd64"])))
    assert (outcome.action, outcome.referrers_copied) == (Action.COPIED, 1)
    assert held.is_complete(sbom.manifest.digest)
    assert stays.manifest.digest not in held.manifests


async def test_an_image_without_referrers_is_pushed_once_and_asks_the_source_once_for_each_manifest(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, source, target
) -> None:
    app.put(small_index(1, architectures=("amd64", "arm64")), tag="v1")
    await copy_tags(source, target, ["v1"], options=CopyOptions(source_tags=["v1"]))
    assert source_registry.count("GET", "/referrers/") == 3
    assert source_registry.count("GET", "/tags/list") == 0
    assert target_registry.count("GET") == 0
    assert target_registry.count("PUT", "/manifests/") == 3


async def test_a_source_without_the_api_is_asked_for_it_once(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, source, target
) -> None:
    source_registry.switches.referrers = "404"
    for number in range(20):
        app.put(small_index(number), tag=f"v{number}")
    tags = await source.list_tags()
    await copy_tags(source, target, tags, options=CopyOptions(source_tags=tags))
    assert source_registry.count("GET", "/referrers/") == 1
    assert source_registry.count("GET", "/manifests/sha256-") == 0
    assert source_registry.count("GET", "/manifests/v") == 20
    assert source_registry.count("HEAD", "/manifests/") == 0


async def test_a_list_of_tags_nobody_gave_is_fetched_once(
    source_registry: FaultyRegistry, app: StoredTags, held: StoredTags, source, target
) -> None:
    source_registry.switches.referrers = "404"
    for number in range(3):
        app.put(small_image(number), tag=f"v{number}")
    put_cosign(app, app.tags["v1"])
    outcomes = await copy_tags(source, target, ["v0", "v1", "v2"])
    assert [outcome.referrers_copied for outcome in outcomes] == [0, 1, 0]
    assert source_registry.count("GET", "/tags/list") == 1


async def test_where_the_source_lists_no_tags_the_usual_ones_are_asked_for(
    source_registry: FaultyRegistry, app: StoredTags, held: StoredTags, source, target
) -> None:
    source_registry.switches.referrers = "404"
    source_registry.fail("GET", "/tags/list", status=403, times=9)
    app.put(small_image(), tag="v1")
    put_cosign(app, app.tags["v1"], suffix=".att")
    put_fallback(app, small_image(), referrer(small_image()))
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.referrers_copied == 2
    assert fallback_tag(app.tags["v1"]) + ".att" in held.tags


async def test_a_referrer_that_the_target_refuses_is_told_and_the_tag_moves(
    target_registry: FaultyRegistry, app: StoredTags, held: StoredTags, source, target
) -> None:
    image = small_image()
    app.put(image, tag="v1")
    refused, taken = referrer(image, seed=1), referrer(image, seed=2, artifact_type=SBOM)
    app.put(refused)
    app.put(taken)
    target_registry.fail("PUT", f"/manifests/{refused.manifest.digest}", status=405, times=9)
    progress = Progress()
    (outcome,) = await copy_tags(source, target, ["v1"], progress=progress)
    assert (outcome.action, outcome.error, outcome.referrers_copied) == (Action.COPIED, None, 1)
    assert [failure.name for failure in outcome.referrers_failed] == [refused.manifest.digest]
    assert refused.manifest.digest in outcome.reason
    assert "Copied without 1" in outcome.reason
    assert progress.referrers_failed == 1
    assert held.tags["v1"] == image.manifest.digest
    assert taken.manifest.digest in held.manifests


async def test_a_referrer_that_the_source_has_lost_is_told_and_the_tag_moves(
    app: StoredTags, held: StoredTags, source, target
) -> None:
    image = small_image()
    app.put(image, tag="v1")
    broken = referrer(image)
    app.put(broken)
    layer = next(digest for digest, content in broken.blobs.items() if content != b"{}")
    del app.blobs[layer]
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert (outcome.action, len(outcome.referrers_failed)) == (Action.COPIED, 1)
    assert broken.manifest.digest not in held.manifests


async def test_a_fault_that_may_pass_keeps_the_tag_back(
    target_registry: FaultyRegistry, app: StoredTags, held: StoredTags, source, target
) -> None:
    image = small_image()
    app.put(image, tag="v1")
    signature = referrer(image)
    app.put(signature)
    target_registry.fail("PUT", f"/manifests/{signature.manifest.digest}", status=503, times=99)
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.error is not None
    assert outcome.error.retryable
    assert held.tags == {}
    target_registry.heal()
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert (outcome.action, outcome.referrers_copied) == (Action.COPIED, 1)


async def test_a_source_that_cannot_tell_now_keeps_the_tag_back_and_no_content(
    source_registry: FaultyRegistry, app: StoredTags, held: StoredTags, source, target
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.fail("GET", "/referrers/", status=503, times=99)
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.error is not None
    assert outcome.error.retryable
    assert "switch the copying of referrers off" in outcome.reason
    assert held.tags == {}
    assert held.blobs.keys() == small_image().blobs.keys()


async def test_tags_of_one_digest_share_the_work_and_the_failures(
    target_registry: FaultyRegistry, source_registry: FaultyRegistry, app: StoredTags, source, target
) -> None:
    image = small_image()
    for tag in ("v1", "v1.2", "latest"):
        app.put(image, tag=tag)
    signature = referrer(image)
    app.put(signature)
    target_registry.fail("PUT", f"/manifests/{signature.manifest.digest}", status=400, times=99)
    outcomes = await copy_tags(source, target, ["v1", "v1.2", "latest"])
    assert [len(outcome.referrers_failed) for outcome in outcomes] == [1, 1, 1]
    assert target_registry.count("PUT", f"/manifests/{signature.manifest.digest}") == 1
    assert source_registry.count("GET", f"/referrers/{image.manifest.digest}") == 1


async def test_more_referrers_than_a_tag_may_have_are_cut_off_and_told(
    app: StoredTags, held: StoredTags, source, target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_MOST", 5)
    image = small_image()
    app.put(image, tag="v1")
    for number in range(8):
        app.put(referrer(image, seed=number))
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert (outcome.action, outcome.referrers_copied) == (Action.COPIED, 5)
    assert [failure.name for failure in outcome.referrers_failed] == [image.manifest.digest]
    assert "3 more belong to it, and at most 5 come along" in outcome.reason


async def test_the_signatures_of_children_and_of_signatures_come_along_as_tags(
    app: StoredTags, held: StoredTags, source, target
) -> None:
    image = small_index(1, architectures=("amd64", "arm64"))
    app.put(image, tag="v1")
    signature = put_cosign(app, image.manifest.digest)
    put_cosign(app, image.children[0].manifest.digest, suffix=".att")
    put_cosign(app, signature.manifest.digest, suffix=".cosign.bundle")
    put_cosign(app, small_image(99).manifest.digest)
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(source_tags=list(app.tags)))
    assert outcome.referrers_copied == 3
    expected = {tag: digest for tag, digest in app.tags.items() if small_image(99).manifest.digest[7:] not in tag}
    assert held.tags == expected
    assert held.moves[-1].tag == "v1"


async def test_a_fallback_index_reaches_a_target_without_the_api_byte_for_byte(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, held: StoredTags, source, target
) -> None:
    for registry in (source_registry, target_registry):
        registry.switches.referrers = "404"
    image = small_image()
    app.put(image, tag="v1")
    put_fallback(app, image, referrer(image, seed=1), referrer(image, seed=2))
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert (outcome.action, outcome.referrers_copied) == (Action.COPIED, 2)
    assert held.tags == app.tags


async def test_fallback_tags_that_the_patterns_select_are_copied_as_they_are(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, held: StoredTags, source, target
) -> None:
    for registry in (source_registry, target_registry):
        registry.switches.referrers = "404"
    image = small_image()
    app.put(image, tag="v1")
    put_fallback(app, image, referrer(image))
    put_cosign(app, image.manifest.digest)
    tags = list(app.tags)
    outcomes = await copy_tags(source, target, tags, options=CopyOptions(source_tags=tags))
    assert {outcome.action for outcome in outcomes} == {Action.COPIED}
    assert held.tags == app.tags
    assert target_registry.count("PUT", f"/manifests/{fallback_tag(image.manifest.digest)}$") == 1


async def test_an_artifact_that_is_a_tag_is_listed_with_its_subject_at_a_target_without_the_api(
    target_registry: FaultyRegistry, app: StoredTags, held: StoredTags, source, target
) -> None:
    target_registry.switches.referrers = "404"
    image = small_image()
    app.put(image)
    app.put(index_of(referrer(image, seed=1)), tag="attested")
    app.put(referrer(image, seed=2), tag="sbom")
    outcomes = await copy_tags(source, target, ["attested", "sbom"])
    assert {outcome.action for outcome in outcomes} == {Action.COPIED}
    index = held.manifest(fallback_tag(image.manifest.digest))
    assert index is not None
    assert {child.digest for child in index.children()} == {
        referrer(image, seed=number).manifest.digest for number in (1, 2)
    }


async def test_an_artifact_whose_listing_fails_for_now_is_no_tag_yet_and_is_listed_by_the_next_copy(
    target_registry: FaultyRegistry, app: StoredTags, held: StoredTags, source, target
) -> None:
    target_registry.switches.referrers = "404"
    image = small_image()
    app.put(image)
    app.put(referrer(image), tag="sbom")
    listing = fallback_tag(image.manifest.digest)
    target_registry.fail("PUT", f"/manifests/{listing}", status=500, times=100)
    (outcome,) = await copy_tags(source, target, ["sbom"])
    assert (outcome.action, outcome.target_digest, held.tags) == (Action.FAILED, None, {})
    target_registry.heal()
    (outcome,) = await copy_tags(source, target, ["sbom"])
    assert outcome.action is Action.COPIED, outcome.reason
    assert set(held.tags) == {"sbom", listing}
