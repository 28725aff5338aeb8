"""Rule 7: uploads, with every kind of Location, Range, status and trap."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mirrors.oci import Action, Code, CopyOptions, Descriptor, RegistryFault, Side, copy_tags
from mirrors.oci.content import in_memory
from mirrors.oci.images.manifest import sha256_digest
from mirrors.oci.profile import GENERIC, UploadStyle
from mirrors.oci.remote.blobs import uploads
from mirrors.sample.images import Image, image_of_size, small_image
from tests.oci.certificates import certificate_for_loopback
from tests.oci.quirks.conftest import Mirror
from tests.registry import FaultyRegistry, StoredTags

MIB = 1 << 20
LARGE = image_of_size(6 * MIB, layers=2)


@pytest.fixture
def large(app: StoredTags) -> Image:
    """An image with two layers of several chunks, at the source."""
    app.put(LARGE, tag="v1")
    return LARGE


@pytest.mark.parametrize("locations", ["relative", "absolute", "state", "new"])
@pytest.mark.parametrize("uploads", ["any", "patch"])
async def test_the_newest_location_is_used_as_it_was_given(
    target_registry: FaultyRegistry, large: Image, mirror: Mirror, locations: str, uploads: str
) -> None:
    target_registry.switches.locations, target_registry.switches.uploads = locations, uploads
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").blobs == large.all_blobs()


async def test_a_location_of_plain_http_behind_tls_is_used_with_tls(
    large: Image, source, open_repository, tmp_path: Path
) -> None:
    context, certificate = certificate_for_loopback(tmp_path)
    with FaultyRegistry(tls=context) as registry:
        registry.switches.locations = "http"
        trust = {"verify_tls": True, "ca_certificates": certificate.read_text()}
        target = await open_repository(registry.address, "mirror/app", side=Side.TARGET, **trust)
        (outcome,) = await copy_tags(source, target, ["v1"])
        assert outcome.action is Action.COPIED, outcome.reason
        assert registry.repository("mirror/app").blobs == large.all_blobs()


@pytest.mark.parametrize("product", ["ecr", "ghcr", "gar", "artifactory", "acr", "distribution-2", "gitlab", "harbor"])
async def test_large_blobs_get_into_every_product(
    target_registry: FaultyRegistry, large: Image, mirror: Mirror, product: str
) -> None:
    target_registry.behave_like(product)
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    held = target_registry.repository("mirror/app")
    assert held.blobs == large.all_blobs()
    assert held.uploads == {}


@pytest.mark.parametrize("uploads", ["any", "put", "patch", "single", "lost"])
@pytest.mark.parametrize("range_header", ["plain", "bytes", "none"])
async def test_every_style_of_upload_takes_every_kind_of_range_header(
    target_registry: FaultyRegistry, large: Image, mirror: Mirror, uploads: str, range_header: str
) -> None:
    target_registry.switches.uploads, target_registry.switches.range_header = uploads, range_header
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").blobs == large.all_blobs()


@pytest.mark.parametrize("uploads", ["any", "patch", "single", "lost"])
@pytest.mark.parametrize("upload_status", [True, False])
async def test_a_connection_that_breaks_in_the_middle_of_an_upload_costs_no_blob(
    target_registry: FaultyRegistry, large: Image, mirror: Mirror, uploads: str, upload_status: bool
) -> None:
    target_registry.switches.uploads, target_registry.switches.upload_status = uploads, upload_status
    target_registry.switches.upload_cuts = [2 * MIB]
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    held = target_registry.repository("mirror/app")
    assert held.blobs == large.all_blobs()
    assert held.uploads == {}


async def test_a_registry_that_loses_what_it_has_after_each_break_is_not_sent_it_without_end(
    target_registry: FaultyRegistry, open_repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As several behind one name do that share no storage."""
    monkeypatch.setattr(uploads, "_PAUSES", (0.0, 0.0, 0.0))
    target_registry.switches.forgetful = True
    for number in range(30):
        target_registry.fail("PATCH", "/uploads/", status=500, after=number + 1)  # every other one
    profile = replace(GENERIC, uploads=UploadStyle.CHUNKS, chunk_size=MIB)
    target = await open_repository(target_registry.address, "mirror/app", side=Side.TARGET, profile=profile)
    content = b"x" * 3 * MIB
    with pytest.raises(RegistryFault):
        await target.push_blob(Descriptor("", sha256_digest(content), len(content)), in_memory(content))
    assert target_registry.count("PATCH") < 12
    assert target_registry.repository("mirror/app").uploads == {}


async def test_the_abandoned_upload_of_a_bad_blob_is_cancelled(
    target_registry: FaultyRegistry, app: StoredTags, large: Image, mirror: Mirror
) -> None:
    layer = list(large.manifest.blobs())[1]
    app.blobs[layer.digest] = app.blobs[layer.digest][:-1] + b"?"
    assert (await mirror()).action is Action.FAILED
    held = target_registry.repository("mirror/app")
    assert held.uploads == {}
    assert len(held.cancelled) == held.opened - len(held.blobs) > 0


@pytest.mark.parametrize("mounts", ["202", "403"])
async def test_a_mount_that_opens_an_upload_instead_leaves_none_behind(
    target_registry: FaultyRegistry, app: StoredTags, source, target, mounts: str
) -> None:
    image = small_image()
    app.put(image, tag="v1")
    target_registry.repository("mirror/base").put(image)
    target_registry.switches.mounts = mounts
    (outcome,) = await copy_tags(source, target, ["v1"], options=CopyOptions(mount_from=["mirror/base"]))
    assert (outcome.action, outcome.blobs_mounted) == (Action.COPIED, 0)
    held = target_registry.repository("mirror/app")
    assert held.uploads == {}
    assert held.blobs == image.all_blobs()


@pytest.mark.parametrize("post_digest", ["201", "202"])
async def test_an_answer_to_a_whole_post_is_gone_on_from(
    target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, post_digest: str
) -> None:
    image = small_image()
    app.put(image, tag="v1")
    target_registry.switches.post_digest = post_digest
    assert (await mirror()).action is Action.COPIED
    held = target_registry.repository("mirror/app")
    assert (held.blobs, held.uploads) == (image.all_blobs(), {})


@pytest.mark.parametrize("minimum", [MIB // 2, 5 * MIB])
async def test_chunks_are_no_smaller_than_the_registry_wants_them(
    target_registry: FaultyRegistry, large: Image, mirror: Mirror, minimum: int
) -> None:
    target_registry.switches.chunk_min, target_registry.switches.uploads = minimum, "patch"
    outcome = await mirror()
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").blobs == large.all_blobs()


@pytest.mark.parametrize("status", [412, 403])
async def test_a_quota_that_ends_in_the_middle_is_told_as_one(
    target_registry: FaultyRegistry, large: Image, mirror: Mirror, status: int
) -> None:
    target_registry.switches.quota, target_registry.switches.quota_refusal = 4 * MIB, status
    outcome = await mirror()
    assert outcome.error
    assert (outcome.error.code, outcome.error.side) == (Code.QUOTA, Side.TARGET)
    assert target_registry.repository("mirror/app").tags == {}
    assert target_registry.repository("mirror/app").uploads == {}


async def test_an_upload_that_is_called_wrong_does_not_count_as_a_blob(
    target_registry: FaultyRegistry, large: Image, mirror: Mirror
) -> None:
    target_registry.fail("PUT", "/uploads/", status=400, body=b'{"errors":[{"code":"DIGEST_INVALID"}]}', times=99)
    outcome = await mirror()
    assert (outcome.action, outcome.error and outcome.error.side) == (Action.FAILED, Side.TARGET)
    held = target_registry.repository("mirror/app")
    assert (held.tags, held.blobs, held.manifests, held.uploads) == ({}, {}, {}, {})
