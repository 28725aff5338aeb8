"""Rule 18: what refers to an image, by the API, by the fallback tag, and by neither in earnest."""

from __future__ import annotations

import pytest

from mirrors.oci import Action
from mirrors.oci.fallback import referrer_entry
from mirrors.oci.images.companions import fallback_tag
from mirrors.oci.images.manifest import OCI_INDEX, Manifest
from mirrors.sample.images import small_image, small_index
from tests.oci.quirks.conftest import Mirror
from tests.oci.quirks.data_sets import DataSet, artifact, from_image, index_manifest
from tests.registry import FaultyRegistry, StoredTags


@pytest.fixture
def image(app: StoredTags) -> DataSet:
    """An index under the tag v1."""
    data = from_image(small_index(21))
    data.put(app, tag="v1")
    return data


@pytest.fixture
def referrers(app: StoredTags, image: DataSet) -> list[DataSet]:
    """Three that refer to the image, and one that refers to the first of them; none has a tag."""
    direct = [artifact(f"{number}", subject=image.root, kind=f"application/x.{number}") for number in range(3)]
    found = [*direct, artifact("of the first", subject=direct[0].root)]
    for data in found:
        data.put(app, tag="none")
    del app.tags["none"]
    return found


def digests(data: list[DataSet]) -> set[str]:
    return {each.root.digest for each in data}


def list_in_fallback(held: StoredTags, subject: Manifest, referrers: list[DataSet]) -> None:
    """As a client of a registry without the API leaves it."""
    index = index_manifest([referrer_entry(each.root) for each in referrers])
    held.manifests[index.digest] = index
    held.tags[fallback_tag(subject.digest)] = index.digest


@pytest.mark.parametrize("page_size", [None, 1, 2])
async def test_every_page_of_the_api_is_read_and_followed_all_the_way_down(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    mirror: Mirror,
    image: DataSet,
    referrers: list[DataSet],
    page_size: int | None,
) -> None:
    source_registry.switches.referrers_page_size = page_size
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    held = target_registry.repository("mirror/app")
    assert digests(referrers) <= set(held.manifests)
    assert all(held.is_complete(each.root.digest) for each in referrers)
    assert not any("artifactType" in request.query for request in source_registry.requests)


@pytest.mark.parametrize("api", ["404", "405", "403", "html"])
async def test_without_an_api_the_fallback_tag_is_read(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    app: StoredTags,
    mirror: Mirror,
    image: DataSet,
    referrers: list[DataSet],
    api: str,
) -> None:
    source_registry.switches.referrers = api
    list_in_fallback(app, image.root, referrers[:3])
    list_in_fallback(app, referrers[0].root, referrers[3:])
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    assert digests(referrers) <= set(target_registry.repository("mirror/app").manifests)


@pytest.mark.parametrize("api", ["404", "html"])
async def test_a_fallback_tag_answered_with_the_subject_itself_lists_nothing(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    app: StoredTags,
    mirror: Mirror,
    image: DataSet,
    api: str,
) -> None:
    source_registry.switches.referrers, source_registry.switches.fallback_is_subject = api, True
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    held = target_registry.repository("mirror/app")
    assert held.tags == {"v1": image.root.digest}
    assert set(held.manifests) == {manifest.digest for manifest in image.manifests}


async def test_only_what_names_the_image_as_its_subject_comes_along(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, image: DataSet
) -> None:
    other = artifact("of another image", subject=small_image(22).manifest)
    unrelated = artifact("of nothing")
    for data in (other, unrelated):
        data.put(app, tag="none")
    del app.tags["none"]
    list_in_fallback(app, image.root, [other, unrelated])
    source_registry.switches.referrers = "404"
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    assert not digests([other, unrelated]) & set(target_registry.repository("mirror/app").manifests)


async def test_fallback_indexes_that_lead_in_a_circle_end(
    source_registry: FaultyRegistry,
    app: StoredTags,
    mirror: Mirror,
    image: DataSet,
    referrers: list[DataSet],
) -> None:
    source_registry.switches.referrers = "404"
    list_in_fallback(app, image.root, [referrers[0], image])
    list_in_fallback(app, referrers[0].root, [referrers[0], referrers[3], image])
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    assert source_registry.count() < 60


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"manifests": 5}', b'{"manifests": [{"digest": 5}]}'])
async def test_a_list_of_referrers_that_cannot_be_read_costs_no_image(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, mirror: Mirror, image: DataSet, body: bytes
) -> None:
    source_registry.fail("GET", "/referrers/", status=200, headers={"Content-Type": OCI_INDEX}, body=body, times=99)
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").tags["v1"] == image.root.digest


async def test_referrers_stay_behind_where_they_are_not_wanted(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    mirror: Mirror,
    image: DataSet,
    referrers: list[DataSet],
) -> None:
    assert (await mirror(referrers=False)).action is Action.COPIED
    assert not digests(referrers) & set(target_registry.repository("mirror/app").manifests)
    assert source_registry.count(path="/referrers/") == 0


async def test_cosign_tags_come_along_with_their_image(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, image: DataSet
) -> None:
    for suffix in ("sig", "att", "sbom"):
        artifact(suffix).put(app, tag=f"{fallback_tag(image.root.digest)}.{suffix}")
    artifact("not ours").put(app, tag=f"sha256-{'0' * 64}.sig")
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    tags = target_registry.repository("mirror/app").tags
    assert {tag.rpartition(".")[2] for tag in tags if tag.startswith("sha256-")} == {"sig", "att", "sbom"}
