"""Tags that no pattern selects any more are deleted; the signatures of what stays are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mirrors.models import Mirror, Sync, TagCopy
from mirrors.models.sync import Status
from mirrors.oci import RegistryFault, Side, Store, StoredRepository
from mirrors.oci.images.companions import fallback_tag
from mirrors.sample.images import Image, build_index, small_image, small_index
from mirrors.services.syncs import sync_runs
from tests.oci.artifacts import put_cosign, put_fallback, referrer
from tests.registry import FaultyRegistry, StoredTags

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def app() -> Iterator[StoredTags]:
    """A repository at the source with signed images: an index v1, one of its children as v1-amd64, and v2."""
    with FaultyRegistry() as registry:
        held = registry.repository("team/app")
        index = small_index(1, architectures=("amd64", "arm64"))
        for tag, image in {"v1": index, "v1-amd64": index.children[0], "v2": small_image(2)}.items():
            held.put(image, tag=tag)
            signature = put_cosign(held, image.manifest.digest)
            put_cosign(held, signature.manifest.digest)
            held.address = registry.address  # type: ignore[attr-defined]
        yield held


@pytest.fixture
def sync(app: StoredTags, mirror: Mirror, store_dir: Path, rung: list[int]) -> Callable[..., set[str]]:
    """`sync(["v*"])`: the tags that the target has after a sync of these patterns."""
    address = app.address  # type: ignore[attr-defined]
    Mirror.objects.update(source_reference=f"{address}/team/app", verify_tls=False)

    def run(patterns: list[str]) -> set[str]:
        Mirror.objects.update(tag_patterns=patterns)
        one = Sync.objects.create(mirror=mirror)
        sync_runs.run_sync(one.pk)
        one.refresh_from_db()
        assert one.status == Status.SUCCEEDED, one.message
        return set(Store(store_dir).tags(mirror.repository.full_name))

    return run


def signed(app: StoredTags, *tags: str) -> set[str]:
    """These tags, and the names of their signatures and of the signatures of those."""
    found = set(tags)
    for tag in tags:
        signature = fallback_tag(app.tags[tag]) + ".sig"
        found |= {signature, fallback_tag(app.tags[signature]) + ".sig"}
    return found


def test_signatures_that_no_pattern_selects_stay_with_their_images(
    app: StoredTags, sync: Callable[..., set[str]]
) -> None:
    expected = signed(app, "v1", "v1-amd64", "v2")
    assert sync(["v*"]) == expected
    assert sync(["v*"]) == expected
    assert not TagCopy.objects.filter(action=TagCopy.Action.DELETED).exists()


def test_the_signatures_of_a_deleted_tag_go_with_it(app: StoredTags, sync: Callable[..., set[str]]) -> None:
    sync(["v*"])
    assert sync(["v1*"]) == signed(app, "v1", "v1-amd64")
    deleted = TagCopy.objects.filter(action=TagCopy.Action.DELETED).values_list("tag", flat=True)
    assert set(deleted) == signed(app, "v2")


def test_the_signature_of_a_digest_that_another_tag_keeps_stays(app: StoredTags, sync: Callable[..., set[str]]) -> None:
    app.tags["latest"] = app.tags["v2"]
    sync(["*"])
    assert sync(["latest"]) == signed(app, "latest")


def test_the_signature_of_a_child_of_an_index_that_stays_stays(app: StoredTags, sync: Callable[..., set[str]]) -> None:
    sync(["v*"])
    assert sync(["v1"]) == signed(app, "v1-amd64", "v1") - {"v1-amd64"}


def test_the_signature_of_an_image_far_below_an_index_that_stays_stays(
    app: StoredTags, sync: Callable[..., set[str]]
) -> None:
    app.put(build_index({"amd64": build_index({"amd64": small_index(1, architectures=("amd64", "arm64"))})}), tag="v3")
    sync(["v*"])
    assert sync(["v3"]) == signed(app, "v1-amd64", "v1") - {"v1-amd64", "v1"} | {"v3"}


def test_what_belongs_to_an_sbom_that_another_image_has_too_stays(
    app: StoredTags, sync: Callable[..., set[str]]
) -> None:
    sbom = small_image(7)
    for tag in ("v1", "v2"):
        app.put(sbom, tag=fallback_tag(app.tags[tag]) + ".sbom")
    put_cosign(app, sbom.manifest.digest)
    sync(["v*"])
    of_sbom = {fallback_tag(app.tags["v1"]) + ".sbom", fallback_tag(sbom.manifest.digest) + ".sig"}
    assert sync(["v1*"]) == signed(app, "v1", "v1-amd64") | of_sbom


def test_a_pruning_that_fails_half_way_leaves_no_signature_behind(
    app: StoredTags, mirror: Mirror, sync: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(["v*"])
    delete, deleted = StoredRepository.delete_tag, []

    async def delete_one(repository: StoredRepository, tag: str) -> None:
        if deleted:
            raise RegistryFault("Not now.", side=Side.TARGET)
        deleted.append(tag)
        await delete(repository, tag)

    Mirror.objects.update(tag_patterns=["v1*"])
    failing = Sync.objects.create(mirror=mirror)
    with monkeypatch.context() as patched:
        patched.setattr(StoredRepository, "delete_tag", delete_one)
        sync_runs.run_sync(failing.pk)
    failing.refresh_from_db()
    assert failing.status == Status.FAILED
    Sync.objects.filter(status=Status.QUEUED).delete()
    assert sync(["v1*"]) == signed(app, "v1", "v1-amd64")


def test_what_belongs_to_a_manifest_that_nobody_knows_stays(
    app: StoredTags, mirror: Mirror, store_dir: Path, sync: Callable[..., set[str]]
) -> None:
    sync(["*"])
    unknown = Image(small_image(9).manifest)
    put_fallback(app, unknown, referrer(unknown))
    kept = sync(["*"])
    assert fallback_tag(unknown.manifest.digest) in kept
    assert fallback_tag(unknown.manifest.digest) in sync(["v1"])
