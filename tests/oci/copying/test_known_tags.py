"""Tags that an earlier copy left behind are not asked for at the target again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mirrors.oci import CopyOptions, IndexMode, KnownTag, RemoteRepository, copy_tags, parse_platforms
from mirrors.oci.state import read_state, write_state
from mirrors.sample.images import small_image, small_index
from tests.registry import FaultyRegistry


async def test_a_tag_that_is_known_costs_one_head_at_the_source_and_none_at_the_target(
    source: RemoteRepository, target: RemoteRepository, source_registry: FaultyRegistry, target_registry: FaultyRegistry
) -> None:
    for number in range(3):
        source_registry.repository("library/app").put(small_image(number), tag=f"v{number}")
    first = await copy_tags(source, target, ["v0", "v1", "v2"])
    known = {one.tag: KnownTag(str(one.source_digest), str(one.target_digest)) for one in first}
    target_registry.requests.clear()
    source_registry.requests.clear()
    again = await copy_tags(source, target, ["v0", "v1", "v2"], options=CopyOptions(known=known))
    assert [outcome.action for outcome in again] == ["unchanged"] * 3
    assert [(request.method, request.path) for request in target_registry.requests] == [
        ("GET", "/v2/mirror/app/tags/list")
    ]
    assert [request.method for request in source_registry.requests] == ["HEAD"] * 3


async def test_a_known_tag_is_copied_again_when_the_target_has_lost_it_or_the_source_has_moved_it(
    source: RemoteRepository, target: RemoteRepository, source_registry: FaultyRegistry, target_registry: FaultyRegistry
) -> None:
    held = source_registry.repository("library/app")
    for number in range(3):
        held.put(small_image(number), tag=f"v{number}")
    first = await copy_tags(source, target, ["v0", "v1", "v2"])
    known = {one.tag: KnownTag(str(one.source_digest), str(one.target_digest)) for one in first}
    del target_registry.repository("mirror/app").tags["v0"]
    held.put(small_image(7), tag="v1")
    again = await copy_tags(source, target, ["v0", "v1", "v2"], options=CopyOptions(known=known))
    assert {outcome.tag: outcome.action for outcome in again} == {"v0": "copied", "v1": "copied", "v2": "unchanged"}
    assert target_registry.repository("mirror/app").tags == held.tags


async def test_known_tags_of_a_rewritten_index_are_verified_at_the_target_without_a_get_when_asked_to(
    source: RemoteRepository, target: RemoteRepository, source_registry: FaultyRegistry, target_registry: FaultyRegistry
) -> None:
    source_registry.repository("library/app").put(small_index(), tag="v1")
    rewriting = CopyOptions(platforms=parse_platforms(["arm64"]), index_mode=IndexMode.REWRITTEN, referrers=False)
    (first,) = await copy_tags(source, target, ["v1"], options=rewriting)
    known = {"v1": KnownTag(str(first.source_digest), str(first.target_digest))}
    asking = replace(rewriting, known=known, asks_target=True)
    target_registry.requests.clear()
    source_registry.requests.clear()
    (second,) = await copy_tags(source, target, ["v1"], options=asking)
    assert second.action == "unchanged"
    assert (source_registry.count("HEAD", "/manifests/"), source_registry.count("GET", "/manifests/")) == (1, 0)
    assert target_registry.count("HEAD", "/manifests/") == 1
    target_registry.repository("mirror/app").put(small_image(9), tag="v1")
    (third,) = await copy_tags(source, target, ["v1"], options=asking)
    assert (third.action, third.target_digest) == ("copied", first.target_digest)


async def test_what_a_copy_has_learned_is_kept_beside_what_was_known(
    source: RemoteRepository, target: RemoteRepository, source_registry: FaultyRegistry, tmp_path: Path
) -> None:
    source_registry.repository("library/app").put(small_image(1), tag="v1")
    outcomes = await copy_tags(source, target, ["v1", "missing"])
    path = tmp_path / "state.json"
    write_state(path, outcomes, known={"old": KnownTag("sha256:a", "sha256:b")})
    assert read_state(path) == {
        "old": KnownTag("sha256:a", "sha256:b"),
        "v1": KnownTag(str(outcomes[0].source_digest), str(outcomes[0].target_digest)),
    }
