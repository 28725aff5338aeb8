"""Rule 4: what is accepted, what Content-Type is worth, and bodies that could be read in two ways."""

from __future__ import annotations

import json

import pytest

from mirrors.oci import Action, Code, Side
from mirrors.oci.images.manifest import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, SCHEMA_1, Manifest
from mirrors.sample.images import Family, Image, small_image, small_index
from tests.oci.quirks.conftest import Mirror
from tests.registry import FaultyRegistry, StoredTags


@pytest.mark.parametrize("manifest_type", ["parameters", "wrong", "none"])
@pytest.mark.parametrize("family", Family)
async def test_the_body_says_what_it_is_whatever_the_header_says(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    app: StoredTags,
    mirror: Mirror,
    manifest_type: str,
    family: Family,
) -> None:
    index = small_index(family=family)
    app.put(index, tag="v1")
    source_registry.switches.manifest_type = manifest_type
    assert (await mirror()).action is Action.COPIED
    held = target_registry.repository("mirror/app")
    assert {each.content for each in held.manifests.values()} == {each.content for each in index.manifests()}
    types = {request.headers["Content-Type"] for request in target_registry.seen("PUT", "/manifests/")}
    assert types == {family.manifest, family.index}  # as the bodies say, without parameters


async def test_manifest_types_are_accepted_for_manifests_and_not_for_lists(
    source_registry: FaultyRegistry, app: StoredTags, source
) -> None:
    source_registry.switches.picky_lists = True
    app.put(small_image(), tag="v1")
    assert await source.list_tags() == ["v1"]
    await source.fetch_manifest("v1")
    accepted = source_registry.seen("GET", "/manifests/")[0].headers["Accept"]
    assert all(each in accepted for each in (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST))


@pytest.mark.parametrize(
    "members",
    [
        {"mediaType": OCI_MANIFEST, "layers": [], "manifests": []},
        {"mediaType": OCI_INDEX, "layers": [], "manifests": []},
        {"layers": [], "manifests": []},
        {"mediaType": OCI_INDEX, "config": {}, "manifests": []},
    ],
)
async def test_a_body_that_is_image_and_index_at_once_is_refused(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, members: dict[str, object]
) -> None:
    content = json.dumps({"schemaVersion": 2, **members}).encode()
    app.put(Image(Manifest(content, str(members.get("mediaType", OCI_MANIFEST)))), tag="v1")
    outcome = await mirror()
    assert outcome.action is Action.FAILED
    assert "both an image and an index" in outcome.reason
    assert target_registry.count("PUT") == 0


@pytest.mark.parametrize("media_type", SCHEMA_1)
async def test_docker_schema_1_is_recognised_and_refused(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, media_type: str
) -> None:
    app.put(Image(Manifest(b'{"schemaVersion": 1, "fsLayers": [], "history": []}', media_type)), tag="v1")
    outcome = await mirror()
    assert (outcome.error and (outcome.error.code, outcome.error.side)) == (Code.UNSUPPORTED, Side.SOURCE)
    assert "schema 1" in outcome.reason
    assert target_registry.count("PUT") == 0
