"""What a copy may cost, in requests: the figures by which the engine is ahead of others, held here."""

from __future__ import annotations

from collections import Counter

import pytest

from mirrors.oci import Action, CopyOptions, copy_tags
from mirrors.oci.copying.options import KnownTag
from mirrors.registries import profile_of
from mirrors.sample.images import build_image, build_index, build_layer, small_image, small_index
from tests.oci.quirks.conftest import Mirror
from tests.registry import FaultyRegistry, StoredTags


def spent(registry: FaultyRegistry) -> dict[str, int]:
    """Requests by method and kind, forgotten afterwards: `{"GET manifests": 2, "PUT blobs": 3}`; `/v2/` is left out."""
    kinds = ("manifests", "blobs", "referrers", "tags")
    found: Counter[str] = Counter()
    for request in registry.requests:
        kind = next((kind for kind in kinds if f"/{kind}/" in request.path), "")
        if kind:
            found[f"{request.method} {kind}"] += 1
    registry.requests.clear()
    return dict(found)


@pytest.fixture
def without_referrers(source, target):
    """`await without_referrers(tags)`: a copy that asks for nothing besides the tags."""

    async def copy(tags: list[str], **options: object) -> list[Action]:
        settings = CopyOptions(referrers=False, **options)  # type: ignore[arg-type]
        return [outcome.action for outcome in await copy_tags(source, target, tags, options=settings)]

    return copy


async def test_an_unchanged_tag_costs_one_head_at_each_side_with_referrers_too(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror
) -> None:
    app.put(small_index(), tag="v1")
    await mirror()
    spent(source_registry), spent(target_registry)
    assert (await mirror()).action is Action.UNCHANGED
    assert spent(source_registry) == {"HEAD manifests": 1}
    assert spent(target_registry) == {"HEAD manifests": 1}


async def test_an_unchanged_repository_that_is_remembered_costs_the_target_its_list_alone(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, without_referrers
) -> None:
    for number in range(120):
        app.put(small_image(number), tag=f"v{number}")
    await without_referrers(list(app.tags))
    spent(source_registry), spent(target_registry)
    known = {tag: KnownTag(digest, digest) for tag, digest in app.tags.items()}
    assert set(await without_referrers(list(app.tags), known=known)) == {Action.UNCHANGED}
    assert spent(source_registry) == {"HEAD manifests": 120}
    assert spent(target_registry) == {"GET tags": 1}


async def test_a_new_image_costs_one_request_for_each_of_its_parts(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, without_referrers
) -> None:
    app.put(small_image(), tag="v1")
    target_registry.repository("mirror/app").put(small_image(1), tag="before")
    assert await without_referrers(["v1"]) == [Action.COPIED]
    assert spent(source_registry) == {"HEAD manifests": 1, "GET manifests": 1, "GET blobs": 2}
    assert spent(target_registry) == {
        "HEAD manifests": 1,
        "HEAD blobs": 2,
        "POST blobs": 2,
        "PUT blobs": 2,
        "PUT manifests": 1,
    }


async def test_one_new_platform_costs_one_child_and_the_index(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, without_referrers
) -> None:
    images = {name: small_image(architecture=name) for name in ("amd64", "arm64", "s390x")}
    app.put(build_index(images), tag="v1")
    await without_referrers(["v1"])
    app.put(build_index(images | {"riscv64": small_image(architecture="riscv64")}), tag="v1")
    spent(source_registry), spent(target_registry)
    assert await without_referrers(["v1"]) == [Action.COPIED]
    assert spent(source_registry) == {"HEAD manifests": 1, "GET manifests": 2, "GET blobs": 2}
    assert spent(target_registry) == {
        "HEAD manifests": 1 + 4,
        "HEAD blobs": 2,
        "POST blobs": 2,
        "PUT blobs": 2,
        "PUT manifests": 2,
    }


async def test_a_layer_that_all_tags_share_moves_once(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, without_referrers
) -> None:
    base = build_layer({"usr/lib/base": b"the same for all"})
    for number in range(30):
        app.put(build_image([base], name=f"app {number}"), tag=f"v{number}")
    assert set(await without_referrers(list(app.tags))) == {Action.COPIED}
    assert spent(source_registry) == {"GET manifests": 30, "GET blobs": 31}
    at_target = spent(target_registry)
    assert (at_target["PUT blobs"], at_target["POST blobs"], at_target["PUT manifests"]) == (31, 31, 30)
    # A target that did not exist has nothing, and is not asked for it.
    assert at_target.get("HEAD manifests", 0) + at_target.get("HEAD blobs", 0) == 0


async def test_a_tag_that_only_moved_costs_no_blob(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, without_referrers
) -> None:
    for tag in ("v1", "v2"):
        app.put(small_image(), tag=tag)
    await without_referrers(["v1"])
    spent(source_registry), spent(target_registry)
    assert await without_referrers(["v2"]) == [Action.COPIED]
    assert spent(source_registry) == {"HEAD manifests": 1, "GET manifests": 1}
    assert spent(target_registry) == {"HEAD manifests": 1, "HEAD blobs": 2, "PUT manifests": 1}


async def test_pulls_that_docker_hub_counts_are_no_more_than_the_manifests_that_changed(
    source_registry: FaultyRegistry, app: StoredTags, without_referrers
) -> None:
    for number in range(20):
        app.put(small_image(number), tag=f"v{number}")
    await without_referrers(list(app.tags))
    app.put(small_image(99), tag="v7")
    spent(source_registry)
    await without_referrers(list(app.tags))
    assert spent(source_registry)["GET manifests"] == 1


async def test_tags_of_one_image_are_one_pull_at_docker_hub(
    source_registry: FaultyRegistry, app: StoredTags, target, open_repository
) -> None:
    for number in range(10):
        app.put(small_image(), tag=f"v{number}")
    source = await open_repository(source_registry.address, profile=profile_of("docker.io"))
    outcomes = await copy_tags(source, target, list(app.tags), options=CopyOptions(referrers=False))
    assert {outcome.action for outcome in outcomes} == {Action.COPIED}
    assert spent(source_registry) == {"HEAD manifests": 10, "GET manifests": 1, "GET blobs": 2}


async def test_a_new_tag_that_is_gone_by_its_turn_is_said_to_be_so(
    source_registry: FaultyRegistry, app: StoredTags, source, target
) -> None:
    for number in range(10):
        app.put(small_image(number), tag=f"v{number}")
    outcomes = await copy_tags(source, target, [*app.tags, "gone"])
    assert [outcome.action for outcome in outcomes] == [Action.COPIED] * 10 + [Action.FAILED]
    assert "has no tag gone in library/app. It may just be gone." in outcomes[-1].reason
