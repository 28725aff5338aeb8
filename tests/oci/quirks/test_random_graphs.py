"""All rules at once: random graphs of content under random faults end whole, and a second run finds nothing to do.

No tag of the target ever points at an incomplete closure, every run ends, and what is healthy is copied in the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirrors.oci import (
    Action,
    Endpoint,
    HostPauses,
    RegistryClient,
    RemoteRepository,
    Side,
    TagOutcome,
    Timeouts,
    copy_tags,
)
from mirrors.oci.manifest import Manifest
from tests.oci.quirks.data_sets import CONFIG_TYPE, DataSet, blobs_of, entry, entry_of, image_manifest, index_manifest
from tests.registry import FaultyRegistry, StoredTags

QUICK = Timeouts(connect=2.0, read=2.0, commit=2.0)
NAMES = map("random/r{}".format, count())


@pytest.fixture(scope="module")
def registries() -> Iterator[tuple[FaultyRegistry, FaultyRegistry]]:
    """Source and target of every example; each example has repositories of its own."""
    with FaultyRegistry() as source, FaultyRegistry() as target:
        yield source, target


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, Manifest], DataSet]:
    """Tags over images and indexes within indexes, which share blobs and children and refer to each other."""
    contents = [f"blob {number}".encode() * 50 for number in range(draw(st.integers(1, 5)))]
    made: list[Manifest] = []
    for number in range(draw(st.integers(1, 8))):
        more = {"annotations": {"n": str(number)}}
        if made and draw(st.booleans()):
            more["subject"] = entry_of(draw(st.sampled_from(made)))
        if made and draw(st.booleans()):
            children = draw(st.lists(st.sampled_from(made), max_size=4, unique_by=lambda each: each.digest))
            made.append(index_manifest([entry_of(child) for child in children], **more))
        else:
            layers = draw(st.lists(st.sampled_from(contents), max_size=4))
            made.append(image_manifest(entry(CONFIG_TYPE, contents[0]), [entry("x", each) for each in layers], **more))
    roots = draw(st.lists(st.sampled_from(made), min_size=1, max_size=4))
    tags = {f"t{number}": root for number, root in enumerate(roots)}
    return tags, DataSet(made[-1], made, blobs_of(*contents))


FAULTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["HEAD", "GET", "POST", "PUT"]),
        "path": st.sampled_from(["/manifests/", "/blobs/", "/uploads/", "/tags/", "/"]),
        "status": st.sampled_from([0, 400, 401, 403, 404, 416, 429, 500, 503]),
        "times": st.integers(1, 6),
        "after": st.integers(0, 8),
    }
)
CUTS = st.lists(st.integers(0, 300), max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    graph=graphs(),
    faults=st.lists(st.tuples(st.sampled_from([0, 1]), FAULTS), max_size=6),
    cuts=CUTS,
    upload_cuts=CUTS,
    strict=st.booleans(),
)
def test_whatever_fails_every_tag_is_whole_or_not_there(
    registries: tuple[FaultyRegistry, FaultyRegistry], graph, faults, cuts, upload_cuts, strict: bool
) -> None:
    tags, data = graph
    source, target = registries
    name = next(NAMES)
    held = source.repository(name)
    held.blobs.update(data.blobs)
    held.manifests.update({each.digest: each for each in data.manifests})
    held.tags = {tag: root.digest for tag, root in tags.items()}
    source.switches.cuts, target.switches.upload_cuts = list(cuts), list(upload_cuts)
    target.switches.sparse_indexes = not strict
    for side, answer in faults:
        registries[side].fail(**answer)
    asyncio.run(mirrored(registries, name))
    check_whole(target.repository(name))
    for registry in registries:
        registry.heal()
    source.switches.cuts, target.switches.upload_cuts = [], []
    outcomes = asyncio.run(mirrored(registries, name))
    assert {outcome.action for outcome in outcomes} <= {Action.COPIED, Action.UNCHANGED}, outcomes
    check_whole(target.repository(name))
    assert {tag: target.repository(name).tags[tag] for tag in tags} == held.tags
    assert target.repository(name).uploads == {}
    check_idle(registries, name, tags=len(tags))


def check_whole(held: StoredTags) -> None:
    """At no moment did a tag point at something of which a part was missing."""
    assert all(move.complete for move in held.moves)
    assert all(held.is_complete(digest) for digest in held.tags.values())


def check_idle(registries: tuple[FaultyRegistry, FaultyRegistry], name: str, *, tags: int) -> None:
    """Another run costs at most one HEAD for each tag at each side, no GET of content, and writes nothing."""
    for registry in registries:
        registry.requests.clear()
    outcomes = asyncio.run(mirrored(registries, name))
    assert {outcome.action for outcome in outcomes} == {Action.UNCHANGED}
    for registry in registries:
        assert registry.count("HEAD") <= tags
        assert registry.count("GET", "/manifests/|/blobs/|/referrers/") == 0
        assert not {request.method for request in registry.requests} & {"POST", "PUT", "PATCH", "DELETE"}


async def mirrored(registries: tuple[FaultyRegistry, FaultyRegistry], name: str) -> list[TagOutcome]:
    """One run over all tags of the source, which has to end."""
    async with (
        asyncio.timeout(30),
        opened(registries[0], Side.SOURCE) as one,
        opened(registries[1], Side.TARGET) as two,
    ):
        tags = sorted(registries[0].repository(name).tags)
        return await copy_tags(RemoteRepository(one, name), RemoteRepository(two, name), tags)


def opened(registry: FaultyRegistry, side: Side) -> RegistryClient:
    """A client that waits for nothing long."""
    endpoint = Endpoint(registry.address, verify_tls=False)
    return RegistryClient(endpoint, side=side, timeouts=QUICK, first_pause=0.001, pauses=HostPauses())
