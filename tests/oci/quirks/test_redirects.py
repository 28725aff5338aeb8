"""Rule 6: redirects to storage, with all that goes wrong on the way there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirrors.oci import Action, Credentials, Side, copy_tags
from mirrors.oci.images.manifest import Descriptor
from mirrors.sample.images import image_of_size, small_image
from tests.oci.certificates import certificate_for_loopback
from tests.registry import FaultyRegistry, Login, StoredTags

RIGHT = Credentials("user", "password")
MIB = 1 << 20


@pytest.fixture
def storage_registry():
    """The host that the source redirects to; it refuses whoever brings an Authorization along."""
    with FaultyRegistry() as registry:
        yield registry


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_manifests_and_blobs_are_followed_to_another_host_without_the_authorization(
    source_registry: FaultyRegistry,
    storage_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    app: StoredTags,
    target,
    open_repository,
    status: int,
) -> None:
    image = small_image()
    app.put(image, tag="v1")
    storage_registry.repository("storage").put(image)
    switches = source_registry.switches
    switches.login = Login()
    switches.blob_redirect = switches.manifest_redirect = storage_registry.url
    switches.redirect_status = status
    source = await open_repository(source_registry.address, credentials=RIGHT)
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").is_complete(image.manifest.digest)
    assert {request.status for request in storage_registry.requests} == {200}


@pytest.mark.parametrize("refusal", [400, 403])
async def test_a_signed_address_that_has_expired_is_asked_for_again(
    source_registry: FaultyRegistry,
    storage_registry: FaultyRegistry,
    app: StoredTags,
    source,
    target,
    refusal: int,
) -> None:
    image = small_image()
    app.put(image, tag="v1")
    storage_registry.repository("storage").put(image)
    source_registry.switches.blob_redirect = storage_registry.url
    storage_registry.switches.expired_links, storage_registry.switches.link_refusal = 2, refusal
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED, outcome.reason
    assert source_registry.count("GET", "/blobs/") == 4


async def test_a_download_that_breaks_off_behind_a_redirect_goes_on_where_it_was(
    source_registry: FaultyRegistry,
    storage_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    app: StoredTags,
    source,
    target,
) -> None:
    image = image_of_size(3 * MIB)
    app.put(image, tag="v1")
    storage_registry.repository("storage").put(image)
    source_registry.switches.blob_redirect = storage_registry.url
    layer = list(image.manifest.blobs())[1]
    app.blobs.update(image.blobs)
    storage_registry.switches.cuts = [MIB, MIB]
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").blobs == image.all_blobs()
    asked = [request.headers.get("Range") for request in storage_registry.seen("GET", layer.digest)]
    assert asked[0] is None
    assert all(asked[1:])


@pytest.mark.parametrize("what", ["blob_redirect", "manifest_redirect"])
async def test_redirects_in_a_circle_end_in_an_error(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, source, target, what: str
) -> None:
    app.put(small_image(), tag="v1")
    setattr(source_registry.switches, what, "loop")
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert (outcome.action, outcome.error and outcome.error.side) == (Action.FAILED, Side.SOURCE)
    assert "circle" in outcome.reason
    assert source_registry.count() < 40
    assert target_registry.repository("mirror/app").tags == {}


async def test_no_redirect_leads_from_verified_tls_to_plain_http(
    storage_registry: FaultyRegistry, open_repository, tmp_path: Path
) -> None:
    context, certificate = certificate_for_loopback(tmp_path)
    image = small_image()
    storage_registry.repository("storage").put(image)
    with FaultyRegistry(tls=context) as registry:
        registry.repository("library/app").put(image, tag="v1")
        registry.switches.blob_redirect = storage_registry.url
        trust = {"verify_tls": True, "ca_certificates": certificate.read_text()}
        source = await open_repository(registry.address, **trust)
        blob = next(image.manifest.blobs())
        with pytest.raises(Exception, match="plain HTTP"):
            await read(source, blob)
    assert storage_registry.requests == []


async def read(repository, blob: Descriptor) -> bytes:
    return b"".join([chunk async for chunk in repository.open_blob(blob)])
