"""Rule 19: the index under a fallback tag is merged with what is there, and read again after it was written."""

from __future__ import annotations

import json

import pytest

from mirrors.oci import Action, RegistryFault, copy_tags
from mirrors.oci.images.companions import fallback_tag
from mirrors.sample.images import small_image
from tests.oci.quirks.conftest import Mirror
from tests.oci.quirks.data_sets import DataSet, artifact, entry_of, from_image, index_manifest
from tests.registry import FaultyRegistry, StoredTags


@pytest.fixture
def image(app: StoredTags) -> DataSet:
    """An image under the tag v1, with two that refer to it."""
    data = from_image(small_image(31))
    data.put(app, tag="v1")
    for number in range(2):
        artifact(f"{number}", subject=data.root).put(app, tag="none")
    del app.tags["none"]
    return data


def listed(held: StoredTags, subject: str) -> dict[str, dict[str, object]]:
    """The entries under the fallback tag, by digest."""
    index = held.manifests[held.tags[fallback_tag(subject)]]
    return {each["digest"]: each for each in json.loads(index.content)["manifests"]}


@pytest.mark.parametrize("lacking", ["no API", "no OCI-Subject"])
async def test_a_target_that_lists_no_referrers_itself_gets_them_listed(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, image: DataSet, lacking: str
) -> None:
    switches = target_registry.switches
    switches.referrers, switches.subject_header = "404" if lacking == "no API" else "on", lacking != "no OCI-Subject"
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    entries = listed(target_registry.repository("mirror/app"), image.root.digest)
    assert entries == {entry["digest"]: entry for entry in app.referrers(image.root.digest)}
    assert all(entry["artifactType"] and entry["annotations"] for entry in entries.values())


async def test_a_target_with_the_api_needs_no_fallback_tag(
    target_registry: FaultyRegistry, mirror: Mirror, image: DataSet
) -> None:
    assert (await mirror()).action is Action.COPIED
    assert list(target_registry.repository("mirror/app").tags) == ["v1"]


async def test_what_others_have_listed_stays_listed(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, image: DataSet
) -> None:
    target_registry.switches.referrers = "404"
    held = target_registry.repository("mirror/app")
    scan = artifact("a scan made at the target", subject=image.root)
    annotated = entry_of(scan.root, artifactType="application/x.scan", annotations={"org.example": "kept"})
    index = index_manifest([annotated], annotations={"org.example.index": "kept too"})
    DataSet(index, [scan.root], scan.blobs).put(held, tag=fallback_tag(image.root.digest))
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    entries = listed(held, image.root.digest)
    assert entries[scan.root.digest] == annotated
    assert len(entries) == 3
    merged = json.loads(held.manifests[held.tags[fallback_tag(image.root.digest)]].content)
    assert merged["annotations"] == {"org.example.index": "kept too"}


async def test_a_writer_in_between_loses_nothing_and_takes_nothing_away(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, image: DataSet, target
) -> None:
    target_registry.switches.referrers = "404"
    held = target_registry.repository("mirror/app")
    tag = fallback_tag(image.root.digest)
    scan = artifact("a scan", subject=image.root)
    push, races = target.push_manifest, [1]

    async def push_and_be_overtaken(manifest, **named):
        result = await push(manifest, **named)
        if named.get("tag") == tag and races and races.pop():
            index = index_manifest([entry_of(scan.root)])
            DataSet(index, [scan.root], scan.blobs).put(held, tag=tag)
        return result

    target.push_manifest = push_and_be_overtaken
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    assert len(listed(held, image.root.digest)) == 3


async def test_a_writer_in_between_loses_nothing_where_our_own_writing_fails_at_first(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, image: DataSet, target
) -> None:
    target_registry.switches.referrers = "404"
    held = target_registry.repository("mirror/app")
    tag = fallback_tag(image.root.digest)
    scan = artifact("a scan", subject=image.root)
    target_registry.fail("PUT", f"/manifests/{tag}", status=503)
    push = target.push_manifest

    async def push_and_be_overtaken(manifest, **named):
        try:
            return await push(manifest, **named)
        except RegistryFault:
            DataSet(index_manifest([entry_of(scan.root)]), [scan.root], scan.blobs).put(held, tag=tag)
            raise

    target.push_manifest = push_and_be_overtaken
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    assert len(listed(held, image.root.digest)) == 3


async def test_a_fallback_tag_that_holds_something_else_is_left_alone_and_told(
    target_registry: FaultyRegistry, source, target, image: DataSet
) -> None:
    target_registry.switches.referrers = "404"
    held = target_registry.repository("mirror/app")
    tag = fallback_tag(image.root.digest)
    held.put(small_image(32), tag=tag)
    before = held.tags[tag]
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert held.tags[tag] == before
    assert outcome.action is Action.COPIED  # the image itself, and what refers to it, are all there
    assert [failure.name for failure in outcome.referrers_failed] == [tag]
    assert tag in outcome.reason


async def test_a_second_copy_writes_no_fallback_tag_again(
    target_registry: FaultyRegistry, mirror: Mirror, image: DataSet
) -> None:
    target_registry.switches.referrers = "404"
    await mirror()
    target_registry.requests.clear()
    assert (await mirror(check_referrers=True)).action is Action.UNCHANGED
    assert target_registry.count("PUT") == target_registry.count("POST") == 0
