"""Images are signed after they were pushed: what refers to unchanged tags is found too, at a price that is counted."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, CopyOptions, IndexMode, KnownTag, RemoteRepository, copy_tags, parse_platforms
from mirrors.oci.images.companions import fallback_tag
from mirrors.sample.images import small_image, small_index
from tests.oci.artifacts import put_cosign, put_fallback, referrer
from tests.registry import FaultyRegistry, StoredTags


@pytest.fixture
def app(source_registry: FaultyRegistry) -> StoredTags:
    """What the source holds in library/app."""
    return source_registry.repository("library/app")


@pytest.fixture
def held(target_registry: FaultyRegistry) -> StoredTags:
    """What the target holds in mirror/app, once it is there."""
    return target_registry.repositories.setdefault("mirror/app", StoredTags())


@pytest.fixture
async def index(app: StoredTags, source: RemoteRepository, target: RemoteRepository) -> StoredTags:
    """An index under the tag v1 that was copied before it was signed."""
    app.put(small_index(1, architectures=("amd64", "arm64")), tag="v1")
    await copy_tags(source, target, ["v1"], options=CopyOptions(source_tags=["v1"]))
    return app


async def test_a_signature_under_a_tag_is_found_because_the_source_lists_it(
    source_registry: FaultyRegistry, index: StoredTags, held: StoredTags, source, target
) -> None:
    put_cosign(index, index.tags["v1"])
    source_registry.requests.clear()
    options = CopyOptions(source_tags=list(index.tags))
    (outcome,) = await copy_tags(source, target, ["v1"], options=options)
    assert (outcome.action, outcome.referrers_copied) == (Action.COPIED, 1)
    assert outcome.target_digest == outcome.target_digest_before == index.tags["v1"]
    assert held.tags == index.tags
    assert source_registry.count("GET", "/referrers/") == 0
    source_registry.requests.clear()
    (outcome,) = await copy_tags(source, target, ["v1"], options=options)
    assert (outcome.action, outcome.referrers_copied) == (Action.UNCHANGED, 0)
    assert [request.method for request in source_registry.requests] == ["HEAD", "HEAD"]


async def test_a_new_entry_of_a_fallback_index_is_found_because_the_source_lists_its_tag(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    index: StoredTags,
    held: StoredTags,
    source,
    target,
) -> None:
    for registry in (source_registry, target_registry):
        registry.switches.referrers = "404"
    image = small_index(1, architectures=("amd64", "arm64"))
    first, second = referrer(image, seed=1), referrer(image, seed=2)
    put_fallback(index, image, first)
    for number, referrers in enumerate([[first], [first, second], [first, second]]):
        put_fallback(index, image, *referrers)
        options = CopyOptions(source_tags=list(index.tags))
        (outcome,) = await copy_tags(source, target, ["v1"], options=options)
        assert outcome.referrers_copied == (1 if number < 2 else 0)
    assert outcome.action is Action.UNCHANGED
    assert target_registry.repository("mirror/app").tags == index.tags


async def test_the_api_is_asked_for_unchanged_tags_only_when_told_to(
    source_registry: FaultyRegistry, index: StoredTags, held: StoredTags, source, target
) -> None:
    index.put(referrer(small_index(1, architectures=("amd64", "arm64"))))
    source_registry.requests.clear()
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(source_tags=["v1"]))
    assert outcome.action is Action.UNCHANGED
    assert [request.method for request in source_registry.requests] == ["HEAD"]
    options = CopyOptions(source_tags=["v1"], check_referrers=True)
    (outcome,) = await copy_tags(source, target, ["v1"], options=options)
    assert (outcome.action, outcome.referrers_copied) == (Action.COPIED, 1)
    (outcome,) = await copy_tags(source, target, ["v1"], options=options)
    assert outcome.action is Action.UNCHANGED


async def test_signatures_of_children_are_found_without_reading_the_index_at_the_source(
    source_registry: FaultyRegistry, index: StoredTags, held: StoredTags, source, target
) -> None:
    child = small_index(1, architectures=("amd64", "arm64")).children[1].manifest
    put_cosign(index, child.digest)
    source_registry.requests.clear()
    options = CopyOptions(source_tags=list(index.tags), check_referrers=True)
    (outcome,) = await copy_tags(source, target, ["v1"], options=options)
    assert (outcome.action, outcome.referrers_copied) == (Action.COPIED, 1)
    assert fallback_tag(child.digest) + ".sig" in held.tags
    assert source_registry.count("GET", f"/manifests/{index.tags['v1']}") == 0


@pytest.mark.parametrize("mode", IndexMode)
async def test_signatures_of_children_are_found_where_some_platforms_are_wanted(
    app: StoredTags, held: StoredTags, source, target, mode: IndexMode
) -> None:
    image = small_index(1, architectures=("amd64", "arm64"))
    app.put(image, tag="v1")
    wanted = {"platforms": parse_platforms(["linux/arm64"]), "index_mode": mode}
    await copy_tags(source, target, ["v1"], options=CopyOptions(source_tags=["v1"], **wanted))
    before = dict(held.tags)
    for child in image.children:
        put_cosign(app, child.manifest.digest)
    known = {"v1": KnownTag(app.tags["v1"], before["v1"])}
    options = CopyOptions(source_tags=list(app.tags), check_referrers=True, asks_target=True, known=known, **wanted)
    (outcome,) = await copy_tags(source, target, ["v1"], options=options)
    assert (outcome.action, outcome.referrers_copied) == (Action.COPIED, 1)
    assert held.tags.keys() - before.keys() == {fallback_tag(image.children[1].manifest.digest) + ".sig"}


async def test_a_deep_copy_asks_for_the_referrers_of_every_child(
    index: StoredTags, held: StoredTags, source, target
) -> None:
    index.put(referrer(small_index(1, architectures=("amd64", "arm64")).children[1]))
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(deep=["v1"], source_tags=["v1"]))
    assert (outcome.action, outcome.referrers_copied) == (Action.COPIED, 1)


async def test_tags_that_are_copied_for_themselves_are_not_asked_for_twice(
    source_registry: FaultyRegistry, index: StoredTags, held: StoredTags, source, target
) -> None:
    put_cosign(index, index.tags["v1"])
    put_fallback(index, small_image(3), referrer(small_image(3)))
    tags = list(index.tags)
    await copy_tags(source, target, tags, options=CopyOptions(source_tags=tags))
    source_registry.requests.clear()
    outcomes = await copy_tags(source, target, tags, options=CopyOptions(source_tags=tags))
    assert {outcome.action for outcome in outcomes} == {Action.UNCHANGED}
    assert source_registry.count() == len(tags)
