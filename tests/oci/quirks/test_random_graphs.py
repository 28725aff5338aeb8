"""All rules at once: random graphs of content under random faults end whole, and a second run finds nothing to do.

No tag of the target ever points at an incomplete closure, every run ends, and what is healthy is copied in the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirrors.oci import (
    Action,
    CopyOptions,
    Endpoint,
    HostPauses,
    RegistryClient,
    RemoteRepository,
    Side,
    TagOutcome,
    Timeouts,
    copy_tags,
)
from mirrors.oci.images.manifest import Manifest
from mirrors.oci.profile import GENERIC, UploadStyle
from tests.oci.quirks.data_sets import CONFIG_TYPE, DataSet, blobs_of, entry, entry_of, image_manifest, index_manifest
from tests.registry import FaultyRegistry, StoredTags

PATIENT = Timeouts(connect=10.0, read=10.0, commit=10.0)
NAMES = map("random/r{}".format, count())


@dataclass
class Pair:
    """A source and a target, and the repository of the same name in both that an example has for itself."""

    source: FaultyRegistry
    target: FaultyRegistry
    name: str = ""

    @property
    def before(self) -> StoredTags:
        """What the source has."""
        return self.source.repository(self.name)

    @property
    def after(self) -> StoredTags:
        """What the target has."""
        return self.target.repository(self.name)


@pytest.fixture(scope="module")
def registries() -> Iterator[Pair]:
    """Those of every example."""
    with FaultyRegistry() as source, FaultyRegistry() as target:
        yield Pair(source, target)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, Manifest], DataSet]:
    """Tags over images and indexes within indexes, which share blobs and children and refer to each other."""
    contents = [f"blob {number}".encode() * 50 for number in range(draw(st.integers(1, 5)))]
    made: list[Manifest] = []
    for number in range(draw(st.integers(1, 8))):
        more: dict[str, object] = {"annotations": {"n": str(number)}}
        if made and draw(st.booleans()):
            more["subject"] = entry_of(draw(st.sampled_from(made)))
        if made and draw(st.booleans()):
            children = draw(st.lists(st.sampled_from(made), max_size=4, unique_by=lambda each: each.digest))
            made.append(index_manifest([entry_of(child) for child in children], **more))
        else:
            layers = draw(st.lists(st.sampled_from(contents), max_size=4))
            made.append(image_manifest(entry(CONFIG_TYPE, contents[0]), [entry("x", each) for each in layers], **more))
    roots = draw(st.lists(st.sampled_from(made), min_size=1, max_size=4))
    return {f"t{number}": root for number, root in enumerate(roots)}, DataSet(made[-1], made, blobs_of(*contents))


FAULTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["HEAD", "GET", "POST", "PATCH", "PUT"]),
        "path": st.sampled_from(["/manifests/", "/blobs/", "/uploads/", "/tags/", "/referrers/", "/"]),
        "status": st.sampled_from([0, 400, 401, 403, 404, 416, 429, 500, 503]),
        "times": st.integers(1, 6),
        "after": st.integers(0, 8),
    }
)
CUTS = st.lists(st.integers(0, 300), max_size=4)
HABITS = st.fixed_dictionaries(
    {
        "sparse_indexes": st.booleans(),
        "referrers": st.sampled_from(["on", "404"]),
        "subject_header": st.booleans(),
        "uploads": st.sampled_from(["any", "patch", "put", "lost"]),
        "locations": st.sampled_from(["relative", "state", "new"]),
    }
)


@settings(max_examples=70, deadline=None, derandomize=True)
@given(
    graph=graphs(),
    faults=st.lists(st.tuples(st.sampled_from(["source", "target"]), FAULTS), max_size=6),
    cuts=st.tuples(CUTS, CUTS),
    habits=HABITS,
    style=st.sampled_from(UploadStyle),
)
def test_whatever_fails_every_tag_is_whole_or_not_there(registries: Pair, graph, faults, cuts, habits, style) -> None:
    pair = replace(registries, name=next(NAMES))
    tags, data = graph
    data.put(pair.before, tag="t0")
    pair.before.tags = {tag: root.digest for tag, root in tags.items()}
    for habit, value in habits.items():
        setattr(pair.target.switches, habit, value)

    pair.source.switches.cuts, pair.target.switches.upload_cuts = map(list, cuts)
    for side, answer in faults:
        getattr(pair, side).fail(**answer)
    asyncio.run(mirrored(pair, style))
    check_whole(pair.after)

    for registry in (pair.source, pair.target):
        registry.heal()
    pair.source.switches.cuts, pair.target.switches.upload_cuts = [], []
    outcomes = asyncio.run(mirrored(pair, style, check_referrers=True))
    assert {outcome.action for outcome in outcomes} <= {Action.COPIED, Action.UNCHANGED}, outcomes
    assert not [outcome.referrers_failed for outcome in outcomes if outcome.referrers_failed]
    check_whole(pair.after)
    assert pair.before.tags.items() <= pair.after.tags.items()
    for digest in pair.after.manifests:
        assert {each["digest"] for each in pair.before.referrers(digest)} <= set(pair.after.manifests)
    # Where the answer with a new address is lost, nobody knows any more what to cancel.
    assert pair.after.uploads == {} or habits["locations"] == "new"
    check_idle(pair, style)


def check_whole(held: StoredTags) -> None:
    """At no moment did a tag point at something of which a part was missing."""
    assert all(move.complete for move in held.moves)
    assert all(held.is_complete(digest) for digest in held.tags.values())


def check_idle(pair: Pair, style: UploadStyle) -> None:
    """Another run costs at most one HEAD for each tag at each side, no GET of content, and writes nothing."""
    pair.source.requests.clear()
    pair.target.requests.clear()
    outcomes = asyncio.run(mirrored(pair, style))
    assert {outcome.action for outcome in outcomes} == {Action.UNCHANGED}
    for registry in (pair.source, pair.target):
        assert registry.count("HEAD") <= len(pair.before.tags)
        assert registry.count("GET", "/manifests/|/blobs/|/referrers/") == 0
        assert not {request.method for request in registry.requests} & {"POST", "PUT", "PATCH", "DELETE"}


async def mirrored(pair: Pair, style: UploadStyle, *, check_referrers: bool = False) -> list[TagOutcome]:
    """One run over all tags of the source, which has to end."""
    options = CopyOptions(check_referrers=check_referrers)
    source_client, target_client = opened(pair.source, Side.SOURCE), opened(pair.target, Side.TARGET, style)
    async with asyncio.timeout(30), source_client as one, target_client as two:
        source, target = RemoteRepository(one, pair.name), RemoteRepository(two, pair.name)
        return await copy_tags(source, target, sorted(pair.before.tags), options=options)


def opened(registry: FaultyRegistry, side: Side, style: UploadStyle = UploadStyle.PUT) -> RegistryClient:
    """A client that waits for nothing long."""
    profile = replace(GENERIC, uploads=style, chunk_size=100)
    endpoint = Endpoint(registry.address, verify_tls=False, profile=profile)
    return RegistryClient(endpoint, side=side, timeouts=PATIENT, first_pause=0.001, pauses=HostPauses())
