"""The built-in store knows what refers to its manifests, serves the list, and keeps it as long as the subject lives."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mirrors.oci import CopyOptions, copy_tags
from mirrors.oci.images.manifest import OCI_INDEX, OCI_MANIFEST, Manifest
from mirrors.oci.store.distribution import Answer, parse_path, read
from mirrors.oci.store.garbage import collect_garbage
from mirrors.oci.store.repository import Store, StoredRepository
from mirrors.sample.images import Image, small_image, store_image
from tests.oci.artifacts import SBOM, SIGNATURE, index_of, referrer


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", fsync=False)


@pytest.fixture
def app(store: Store) -> StoredRepository:
    return StoredRepository(store, "team/app")


def asked(store: Store, subject: Image, **query: str) -> Answer:
    """The answer of the distribution API."""
    return read(store, parse_path(f"team/app/referrers/{subject.manifest.digest}"), query=query, headers={})


def listed(answer: Answer) -> list[str]:
    return [entry["digest"] for entry in json.loads(answer.body)["manifests"]]


async def test_what_was_pushed_with_a_subject_is_listed_with_it(app: StoredRepository) -> None:
    image = small_image()
    signature, sbom = referrer(image), index_of(referrer(image, seed=1), subject=image.manifest)
    for each in (image, signature, sbom):
        await store_image(each, app, tag="1.0" if each is image else None)
    found = {each.digest: each for each in await app.list_referrers(image.manifest.digest)}
    children = {child.manifest.digest for child in sbom.children}
    assert set(found) == {signature.manifest.digest, sbom.manifest.digest} | children
    entry = found[signature.manifest.digest]
    assert (entry.media_type, entry.size) == (OCI_MANIFEST, len(signature.manifest.content))
    assert (entry.artifact_type, entry.annotations) == (SIGNATURE, {"org.example.seed": "0"})
    assert await app.list_referrers(small_image(2).manifest.digest) == []


async def test_a_repository_lists_no_referrers_of_another(store: Store, app: StoredRepository) -> None:
    image = small_image()
    await store_image(image, app)
    await store_image(referrer(image), StoredRepository(store, "team/other"))
    assert await app.list_referrers(image.manifest.digest) == []


async def test_the_list_is_an_index_filtered_where_that_is_asked_for(store: Store, app: StoredRepository) -> None:
    image = small_image()
    signature, sbom = referrer(image), referrer(image, artifact_type=SBOM)
    for each in (image, signature, sbom):
        await store_image(each, app)
    answer = asked(store, image)
    assert (answer.status, answer.headers["Content-Type"]) == (200, OCI_INDEX)
    assert "OCI-Filters-Applied" not in answer.headers
    assert listed(answer) == sorted([signature.manifest.digest, sbom.manifest.digest])
    filtered = asked(store, image, artifactType=SBOM)
    assert filtered.headers["OCI-Filters-Applied"] == "artifactType"
    assert listed(filtered) == [sbom.manifest.digest]
    nothing = asked(store, small_image(3))
    assert (nothing.status, listed(nothing)) == (200, [])


async def test_a_referrer_goes_from_the_list_when_it_is_collected(store: Store, app: StoredRepository) -> None:
    image = small_image()
    await store_image(image, app, tag="1.0")
    await store_image(referrer(image), app)
    later = datetime.now(UTC) + timedelta(seconds=1)
    collect_garbage(store, untouched_since=later)
    assert len(await app.list_referrers(image.manifest.digest)) == 1
    await app.delete_tag("1.0")
    collect_garbage(store, untouched_since=later)
    assert await app.list_referrers(image.manifest.digest) == []
    assert not list(store.root.rglob("_referrers/*/*/*"))


async def test_a_referrer_that_came_before_its_subject_is_listed_too(app: StoredRepository) -> None:
    image = small_image()
    await store_image(referrer(image), app)
    await store_image(image, app, tag="1.0")
    assert len(await app.list_referrers(image.manifest.digest)) == 1


async def test_a_subject_that_cannot_be_read_is_none(app: StoredRepository) -> None:
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "subject": {"digest": "sha256:../../x"}}
    await app.push_manifest(Manifest(json.dumps(document).encode(), OCI_INDEX), tag="odd")
    assert await app.list_tags() == ["odd"]


async def test_a_copy_between_two_stores_takes_referrers_along(tmp_path: Path, app: StoredRepository) -> None:
    image = small_image()
    signature = referrer(image)
    await store_image(image, app, tag="1.0")
    await store_image(signature, app)
    await store_image(referrer(signature), app)
    target = StoredRepository(Store(tmp_path / "target", fsync=False), "team/app")
    (outcome,) = await copy_tags(app, target, ["1.0"], options=CopyOptions(source_tags=["1.0"]))
    assert outcome.referrers_copied == 2
    assert [each.digest for each in await target.list_referrers(image.manifest.digest)] == [signature.manifest.digest]
