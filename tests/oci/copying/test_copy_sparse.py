"""Whether the target takes an index of which parts are missing is learned before anything is copied."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, CopyOptions, RemoteRepository, Side, Unsupported, copy_tags, parse_platforms
from mirrors.sample.images import Family, build_index, small_index
from tests.registry import FaultyRegistry

ARM64 = CopyOptions(platforms=parse_platforms(["arm64"]))


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("refusal", [(400, "MANIFEST_BLOB_UNKNOWN"), (404, "MANIFEST_UNKNOWN"), (400, "")])
async def test_a_target_that_takes_none_is_found_out_before_a_blob_moves(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    source: RemoteRepository,
    target: RemoteRepository,
    refusal: tuple[int, str],
    family: Family,
) -> None:
    target_registry.switches.sparse_indexes = False
    target_registry.switches.sparse_refusal = refusal
    for number in range(3):
        source_registry.repository("library/app").put(small_index(number, family=family), tag=f"v{number}")
    outcomes = await copy_tags(source, target, ["v0", "v1", "v2"], options=ARM64)
    for outcome in outcomes:
        assert isinstance(outcome.error, Unsupported)
        assert outcome.error.side is Side.TARGET
        assert not outcome.error.retryable
        assert "Have the index rewritten" in outcome.reason
    assert target_registry.count("PUT") == 1
    assert target_registry.count("POST") == 0
    assert source_registry.count("GET", "/blobs/") == 0


async def test_a_target_that_takes_them_is_asked_once_and_keeps_nothing_of_the_question(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source: RemoteRepository, target: RemoteRepository
) -> None:
    app, held = source_registry.repository("library/app"), target_registry.repository("mirror/app")
    for number in range(3):
        app.put(small_index(number), tag=f"v{number}")
    outcomes = await copy_tags(source, target, ["v0", "v1", "v2"], options=ARM64)
    assert {outcome.action for outcome in outcomes} == {Action.COPIED}
    assert held.tags == app.tags
    assert len(held.manifests) == 6
    assert target_registry.count("DELETE") == 1


async def test_a_target_that_deletes_nothing_keeps_one_untagged_index_at_most(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source: RemoteRepository, target: RemoteRepository
) -> None:
    target_registry.switches.deletes = "none"
    for number in range(2):
        source_registry.repository("library/app").put(small_index(number), tag="v1")
        (outcome,) = await copy_tags(source, target, ["v1"], options=ARM64)
        assert outcome.action is Action.COPIED
    assert len(target_registry.repository("mirror/app").manifests) == 5


@pytest.mark.parametrize(("says", "action"), [("true", Action.COPIED), ("false", Action.FAILED)])
async def test_quay_says_it_in_a_header(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    source: RemoteRepository,
    target: RemoteRepository,
    says: str,
    action: Action,
) -> None:
    target_registry.switches.headers = {"X-Sparse-Manifest-Support": says}
    source_registry.repository("library/app").put(small_index(), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=ARM64)
    assert outcome.action is action
    assert target_registry.count("PUT", "/manifests/") == (2 if action is Action.COPIED else 0)


async def test_nobody_is_asked_where_nothing_is_left_out_or_nothing_is_new(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source: RemoteRepository, target: RemoteRepository
) -> None:
    app, held = source_registry.repository("library/app"), target_registry.repository("mirror/app")
    app.put(small_index(architectures=["arm64"]), tag="whole")
    app.put(small_index(2), tag="there")
    held.put(small_index(2), tag="there")
    options = CopyOptions(platforms=ARM64.platforms, deep=["whole", "there"])
    outcomes = await copy_tags(source, target, ["whole", "there"], options=options)
    assert [outcome.action for outcome in outcomes] == [Action.COPIED, Action.UNCHANGED]
    assert target_registry.count(path="^/v2/$") == 0


async def test_what_is_left_out_further_down_is_asked_for_too(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source: RemoteRepository, target: RemoteRepository
) -> None:
    target_registry.switches.sparse_indexes = False
    source_registry.repository("library/app").put(build_index({"a": small_index(1)}), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=ARM64)
    assert isinstance(outcome.error, Unsupported)
    assert source_registry.count("GET", "/blobs/") == 0
