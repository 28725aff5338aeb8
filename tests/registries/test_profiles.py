"""Every product's profile, against a registry that has that product's ways. A new one is picked up by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirrors.oci import Action, CopyOptions, Refused, RemoteRepository, Side, Unsupported, copy_tags
from mirrors.oci.images.manifest import OCI_MANIFEST, Manifest
from mirrors.oci.profile import GENERIC, MIB, Deletion, RegistryProfile
from mirrors.registries import KINDS, PROFILES, profile_of
from mirrors.sample.images import Image, build_image, build_index, build_layer, image_of_size, small_image
from tests.registry import PRODUCTS, FaultyRegistry

TRAITS = {"distribution": "distribution-2"}
EVERY = pytest.mark.parametrize("profile", PROFILES, ids=[profile.name for profile in PROFILES])


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off takes no time here."""
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)


@pytest.fixture
def images(source_registry: FaultyRegistry) -> dict[str, Image]:
    """An index, a large image, and one that shares its layers with a sibling at the target."""
    images = {
        "index": build_index({"amd64": small_image(1), "arm64": small_image(2)}),
        "large": image_of_size(3 * MIB, layers=2),
        "shared": build_image([build_layer({"base": b"shared"})], name="shared"),
    }
    for tag, image in images.items():
        source_registry.repository("library/app").put(image, tag=tag)
    return images


def behave_like(registry: FaultyRegistry, profile: RegistryProfile) -> None:
    """Give the registry the product's ways, as far as they are known."""
    product = TRAITS.get(profile.name, profile.name)
    if product in PRODUCTS:
        registry.behave_like(product)


@EVERY
@pytest.mark.parametrize("known", [True, False], ids=["known", "learned"])
async def test_an_image_gets_into_every_product_whether_it_is_known_or_not(
    target_registry: FaultyRegistry,
    source: RemoteRepository,
    open_repository,
    images: dict[str, Image],
    profile: RegistryProfile,
    known: bool,
) -> None:
    behave_like(target_registry, profile)
    target_registry.repository("mirror/sibling").put(images["shared"])
    small = replace(profile if known else GENERIC, large=MIB, chunk_size=MIB // 2)
    target = await open_repository(target_registry.address, "mirror/app", side=Side.TARGET, profile=small)
    outcomes = await copy_tags(source, target, list(images), options=CopyOptions(mount_from=["mirror/sibling"]))
    assert {outcome.tag: outcome.reason for outcome in outcomes if outcome.action is not Action.COPIED} == {}
    held = target_registry.repository("mirror/app")
    assert held.tags == {tag: image.manifest.digest for tag, image in images.items()}
    assert held.blobs == {digest: blob for image in images.values() for digest, blob in image.all_blobs().items()}
    assert held.uploads == {}
    assert await target.list_tags() == sorted(images)


@EVERY
async def test_a_tag_goes_alone_or_stays_with_a_sentence(
    target_registry: FaultyRegistry, open_repository, images: dict[str, Image], profile: RegistryProfile
) -> None:
    behave_like(target_registry, profile)
    held = target_registry.repository("mirror/app")
    for tag in ("stays", "goes"):
        held.put(images["shared"], tag=tag)
    target = await open_repository(target_registry.address, "mirror/app", side=Side.TARGET, profile=profile)
    if profile.deletion is Deletion.NONE:
        with pytest.raises(Unsupported, match="deletes no tags"):
            await target.delete_tag("goes")
        assert target_registry.requests == []
    else:
        await target.delete_tag("goes")
        assert list(held.tags) == ["stays"]


@pytest.mark.parametrize(
    ("registry", "name"),
    [
        ("docker.io", "docker-hub"),
        ("quay.io", "quay"),
        ("QUAY.IO:443", "quay"),
        ("ghcr.io", "ghcr"),
        ("europe-docker.pkg.dev", "gar"),
        ("eu.gcr.io", "gar"),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", "ecr"),
        ("public.ecr.aws", "ecr"),
        ("team.azurecr.io", "acr"),
        ("team.jfrog.io", "artifactory"),
        ("registry.gitlab.com", "gitlab"),
        ("mcr.microsoft.com", "mcr"),
        ("registry.k8s.io", "kubernetes"),
        ("registry.redhat.io", "red-hat"),
        ("registry.example.com:5000", ""),
        ("quay.io.example.com", ""),
    ],
)
def test_a_product_is_known_by_its_host(registry: str, name: str) -> None:
    assert profile_of(registry).name == name


def test_a_kind_that_was_given_counts_more_than_the_host() -> None:
    assert profile_of("quay.io", kind="harbor").name == "harbor"
    assert profile_of("registry.example.com", kind="zot").name == "zot"
    assert profile_of("quay.io", kind="no-longer-known").name == "quay"


def test_every_product_is_a_choice_with_a_name_of_its_own_that_fits_its_column() -> None:
    assert len({profile.name for profile in PROFILES}) == len(PROFILES) == len(KINDS)
    assert all(0 < len(name) <= 20 and title for name, title in KINDS)
    assert set(PRODUCTS) <= {TRAITS.get(profile.name, profile.name) for profile in PROFILES}


async def test_pages_are_asked_for_in_the_size_of_the_product_and_any_where_that_is_refused(
    source_registry: FaultyRegistry, open_repository, images: dict[str, Image]
) -> None:
    profile = replace(GENERIC, tag_page=1000)
    source = await open_repository(source_registry.address, profile=profile)
    for largest, refusal in ((1000, 400), (100, 413), (100, 400)):
        source_registry.switches.largest_page, source_registry.switches.page_refusal = largest, refusal
        assert await source.list_tags() == sorted(images)
    assert [request.query.get("n") for request in source_registry.seen("GET", "/tags/")] == [
        "1000", "1000", None, "1000", None,
    ]  # fmt: skip


async def test_a_manifest_that_is_too_large_for_the_product_is_not_sent(
    target_registry: FaultyRegistry, open_repository
) -> None:
    profile = profile_of("team.azurecr.io")
    target = await open_repository(target_registry.address, "mirror/app", side=Side.TARGET, profile=profile)
    content = b'{"schemaVersion": 2, "layers": [], "config": {}, "annotations": {"a": "%s"}}' % (b"x" * 5 * MIB)
    with pytest.raises(Refused, match="of up to 4 MiB"):
        await target.push_manifest(Manifest(content, OCI_MANIFEST), tag="v1")
    assert target_registry.requests == []
