"""When a tag counts as the same at both sides, though its digest is not, or though the target says no."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, Code, CopyOptions, KnownTag, RemoteRepository, copy_tags
from mirrors.oci.images.manifest import OCI_MANIFEST, Manifest
from mirrors.sample.images import Image, small_image
from tests.registry import FaultyRegistry, StoredTags

TAGS = [f"v{number}" for number in range(9)]


@pytest.fixture
def app(source_registry: FaultyRegistry) -> StoredTags:
    """Nine images whose digests are sha512, at a source; the target hashes what is pushed under a tag again."""
    held = source_registry.repository("library/app")
    for number, tag in enumerate(TAGS):
        image = small_image(number)
        held.put(Image(Manifest(image.manifest.content, OCI_MANIFEST, "sha512"), image.blobs), tag=tag)
    return held


async def test_a_digest_of_another_algorithm_is_compared_by_the_bytes(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, source, target
) -> None:
    target_registry.switches.sha512 = "rehashed"
    (first,) = await copy_tags(source, target, ["v1"])
    assert first.action is Action.COPIED, first.reason
    assert target_registry.repository("mirror/app").tags["v1"].startswith("sha256:")
    source_registry.requests.clear()
    (again,) = await copy_tags(source, target, ["v1"])
    assert (again.action, again.rewritten) == (Action.UNCHANGED, False)
    assert [request.method for request in source_registry.requests] == ["HEAD"]
    app.put(small_image(77), tag="v1")
    assert (await copy_tags(source, target, ["v1"]))[0].action is Action.COPIED


async def test_a_known_digest_of_another_algorithm_costs_no_question_to_the_target(
    target_registry: FaultyRegistry, app: StoredTags, source, target
) -> None:
    target_registry.switches.sha512 = "rehashed"
    await copy_tags(source, target, TAGS)
    held = target_registry.repository("mirror/app")
    known = {tag: KnownTag(app.tags[tag], held.tags[tag]) for tag in TAGS}
    target_registry.requests.clear()
    outcomes = await copy_tags(source, target, TAGS, options=CopyOptions(known=known))
    assert {outcome.action for outcome in outcomes} == {Action.UNCHANGED}
    assert target_registry.count() == 1


@pytest.mark.parametrize("immutable", ["ecr", "412", "409"])
async def test_a_push_that_is_refused_because_the_tag_is_there_already_is_done(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target: RemoteRepository, immutable: str
) -> None:
    source_registry.repository("library/app").put(small_image(), tag="v1")
    push = target.push_manifest

    async def push_after_another(manifest: Manifest, *, tag: str | None = None) -> bool:
        target_registry.repository("mirror/app").put(small_image(), tag="v1")
        target_registry.fail("PUT", "/manifests/v1", status=int(immutable) if immutable != "ecr" else 400, times=9)
        return await push(manifest, tag=tag)

    target.push_manifest = push_after_another  # type: ignore[method-assign]
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED, outcome.reason


async def test_a_tag_that_may_not_move_is_an_outcome_of_its_own(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source, target
) -> None:
    source_registry.repository("library/app").put(small_image(1), tag="v1")
    target_registry.repository("mirror/app").put(small_image(2), tag="v1")
    target_registry.switches.immutable = "ecr"
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.retryable) == (Code.IMMUTABLE, False)
    assert target_registry.count("PUT", "/manifests/v1") == 1
