"""GET …/tag/ of the built-in store and of a remote registry: what is there, what was there, page by page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mirrors.models import Mirror, MirroredTag, Repository, Sync, TagCopy
from mirrors.sample.images import Image, small_image, small_index
from mirrors.services.syncs import connections
from tests.api.conftest import APIClient
from tests.registry import FaultyRegistry
from tests.registry_api.conftest import fill

PATH = "/api/v1/repository/acme/app/tag/"
Fill = Callable[[dict[str, Image]], None]


@pytest.fixture(params=["stored", "remote"])
def put(request: pytest.FixtureRequest, repository: Repository, store_dir: Path) -> Fill:
    """`put({"v1": image})` into acme/app, in the built-in store and at a remote registry."""
    if request.param == "stored":
        return lambda images: fill(connections.store(), "acme/app", images)
    remote: FaultyRegistry = request.getfixturevalue("remote")

    def put(images: dict[str, Image]) -> None:
        for tag, image in images.items():
            remote.repository("acme/app").put(image, tag=tag)

    return put


def tags(api: APIClient, **query: Any) -> list[dict[str, Any]]:
    answer = api.get(PATH, **query)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["tags"]
    return found


def names(api: APIClient, **query: Any) -> list[str]:
    return [tag["name"] for tag in tags(api, **query)]


def finished(mirror: Mirror, *, days_ago: int = 0) -> Sync:
    """A sync that has ended."""
    sync = Sync.objects.create(mirror=mirror)
    sync.start(worker="w1", snapshot={})
    sync.succeed(message="Done.", tags_total=1)
    Sync.objects.filter(pk=sync.pk).update(finished_at=timezone.now() - timedelta(days=days_ago))
    return sync


def copied(mirror: Mirror, tag: str, *, before: str = "", after: str = "", action: str = "copied") -> TagCopy:
    """A line of the history."""
    return TagCopy.objects.create(
        sync=finished(mirror), tag=tag, action=action, target_digest_before=before, target_digest=after
    )


def test_an_image_is_shown_with_its_digest_and_size(api: APIClient, put: Fill) -> None:
    image = small_image(1)
    put({"v1": image})

    (tag,) = tags(api)

    size = sum(blob.size for blob in image.manifest.blobs())
    assert (tag["name"], tag["manifest_digest"], tag["size"]) == ("v1", image.manifest.digest, size)
    assert (tag["is_manifest_list"], tag["reversion"]) == (False, False)
    assert "is_sparse" not in tag
    assert "end_ts" not in tag


def test_an_index_is_shown_with_its_children(api: APIClient, put: Fill) -> None:
    index = small_index(1)
    put({"v1": index})

    (tag,) = tags(api)

    children = [child.digest for child in index.manifest.children()]
    assert (tag["is_manifest_list"], tag["is_sparse"]) == (True, False)
    assert tag["child_manifest_count"] == tag["present_child_count"] == len(children)
    assert tag["child_manifests_presence"] == dict.fromkeys(children, True)


def test_the_size_of_an_index_is_that_of_its_parts_that_are_here(
    api: APIClient, repository: Repository, store_dir: Path
) -> None:
    index = small_index(1)
    fill(connections.store(), "acme/app", {"v1": index})
    first, *others = [manifest for manifest in index.manifests() if not manifest.is_index]
    everything = {blob.digest: blob.size for manifest in (first, *others) for blob in manifest.blobs()}
    assert tags(api)[0]["size"] == sum(everything.values())

    _forget(repository, [manifest.digest for manifest in others])

    assert tags(api)[0]["size"] == sum(blob.size for blob in first.blobs())


def test_an_index_whose_parts_were_left_out_is_sparse(api: APIClient, put: Fill, mirror: Mirror) -> None:
    Mirror.objects.update(platforms=["amd64"])
    index = small_index(1)
    put({"v1": index})
    missing = [child.digest for child in index.manifest.children()][1:]
    _forget(mirror.repository, missing)

    (tag,) = tags(api)

    assert (tag["is_sparse"], tag["present_child_count"]) == (True, 1)
    assert [digest for digest, here in tag["child_manifests_presence"].items() if not here] == missing


def _forget(repository: Repository, digests: list[str]) -> None:
    """Take manifests away."""
    target = Repository.objects.get(pk=repository.pk).namespace.target_registry
    for digest in digests:
        if target is None:
            connections.store().link("acme/app", "_manifests", digest).unlink()
        else:
            requests.delete(f"http://{target.address}/v2/acme/app/manifests/{digest}", timeout=5).raise_for_status()


def test_a_repository_without_tags_has_none(api: APIClient, put: Fill) -> None:
    answer = api.get(PATH)
    assert (answer.status_code, answer.json()) == (200, {"tags": [], "page": 1, "has_additional": False})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"specificTag": "v1"}, ["v1"]),
        ({"specificTag": "v"}, []),
        ({"specificTag": "not a tag!"}, []),
        ({"filter_tag_name": "eq:v1"}, ["v1"]),
        ({"filter_tag_name": "like:V1"}, ["v1", "v1.1"]),
        ({"filter_tag_name": "like:%"}, []),
        ({"specificTag": "latest", "filter_tag_name": "like:v1"}, ["latest"]),
        ({"onlyActiveTags": "true"}, ["latest", "v1", "v1.1"]),
    ],
)
def test_tags_are_chosen_by_name(api: APIClient, put: Fill, query: dict[str, str], found: list[str]) -> None:
    put({"latest": small_image(1), "v1": small_image(1), "v1.1": small_image(2)})
    assert sorted(names(api, **query)) == found


@pytest.mark.parametrize("text", ["v1", "is:v1", "like:", ":", "eq"])
def test_a_filter_that_nobody_understands_is_refused(api: APIClient, repository: Repository, text: str) -> None:
    answer = api.get(PATH, filter_tag_name=text)
    assert answer.status_code == 400
    assert "like: or eq:" in answer.json()["message"]


def test_tags_come_page_by_page(api: APIClient, put: Fill) -> None:
    put({f"v{number}": small_image(1) for number in range(5)})

    answers = [api.get(PATH, limit=2, page=page).json() for page in (1, 2, 3, 4)]

    assert [(len(answer["tags"]), answer["page"], answer["has_additional"]) for answer in answers] == [
        (2, 1, True),
        (2, 2, True),
        (1, 3, False),
        (0, 4, False),
    ]
    assert len({tag["name"] for answer in answers for tag in answer["tags"]}) == 5


@pytest.mark.parametrize(("limit", "page"), [("0", "0"), ("-1", "-1"), ("x", "x"), ("1000", ""), ("", "1")])
def test_a_page_that_cannot_be_is_another_one(api: APIClient, put: Fill, limit: str, page: str) -> None:
    put({"v1": small_image(1)})
    answer = api.get(PATH, limit=limit, page=page).json()
    assert (len(answer["tags"]), answer["page"]) == (1, 1)


def test_the_youngest_comes_first_with_the_time_of_the_sync_that_brought_it(
    api: APIClient, remote: FaultyRegistry, mirror: Mirror
) -> None:
    for number, tag in enumerate(("b", "a", "moved"), start=1):
        remote.repository("acme/app").put(small_image(number), tag=tag)
        sync, digest = finished(mirror, days_ago=number), small_image(number).manifest.digest
        MirroredTag.objects.create(
            mirror=mirror,
            tag=tag,
            source_digest=digest,
            target_digest="sha256:other" if tag == "moved" else digest,
            scope="",
            sync_id=sync.pk,
        )

    found = tags(api)

    assert [tag["name"] for tag in found] == ["b", "a", "moved"]
    ended = Sync.objects.order_by("pk").values_list("finished_at", flat=True)
    assert [tag["start_ts"] for tag in found[:2]] == [int(at.timestamp()) for at in ended[:2] if at]
    assert found[0]["last_modified"].endswith(" -0000")
    assert "start_ts" not in found[2], "somebody else has moved it since"


def test_what_was_replaced_and_deleted_follows_with_its_end(api: APIClient, put: Fill, mirror: Mirror) -> None:
    put({"v1": small_image(3)})
    first = copied(mirror, "v1", after="sha256:1")
    second = copied(mirror, "v1", before="sha256:1", after="sha256:2")
    copied(mirror, "gone", after="sha256:9")
    copied(mirror, "same", before="sha256:5", after="sha256:5")
    third = copied(mirror, "v1", before="sha256:2", after=small_image(3).manifest.digest)
    copied(mirror, "gone", action="deleted")
    copied(mirror, "unknown", action="deleted")

    found = [(tag["name"], tag["manifest_digest"], "end_ts" in tag) for tag in tags(api)]

    assert found == [
        ("v1", small_image(3).manifest.digest, False),
        ("unknown", "", True),
        ("gone", "sha256:9", True),
        ("v1", "sha256:2", True),
        ("v1", "sha256:1", True),
    ]
    oldest = tags(api, specificTag="v1")[-1]
    assert (oldest["start_ts"], oldest["end_ts"]) == (
        int(first.recorded_at.timestamp()),
        int(second.recorded_at.timestamp()),
    )
    assert third.recorded_at >= second.recorded_at
    assert names(api, onlyActiveTags="true") == ["v1"]
    assert names(api, filter_tag_name="like:GON") == ["gone"]


def test_pages_go_on_from_what_is_there_to_what_was(api: APIClient, put: Fill, mirror: Mirror) -> None:
    put({f"v{number}": small_image(1) for number in range(3)})
    for number in range(3):
        copied(mirror, f"gone{number}", action="deleted", before="sha256:1")

    answers = [api.get(PATH, limit=2, page=page).json() for page in (1, 2, 3, 4)]

    assert [[tag["name"] for tag in answer["tags"]] for answer in answers][1:] == [
        [answers[1]["tags"][0]["name"], "gone2"],
        ["gone1", "gone0"],
        [],
    ]
    assert [answer["has_additional"] for answer in answers] == [True, True, False, False]


def test_a_list_takes_as_many_queries_for_many_tags_as_for_few(api: APIClient, put: Fill, mirror: Mirror) -> None:
    def add(first: int, last: int) -> None:
        put({f"v{number}": small_image(1) for number in range(first, last)})
        for number in range(first, last):
            copied(mirror, f"gone{number}", action="deleted")

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            tags(api, limit=100)
        return len(queries)

    add(0, 2)
    tags(api)  # notes the use of the token
    few = count()
    add(2, 20)
    assert count() == few


def test_who_may_pull_may_look(
    api: APIClient, stranger_api: APIClient, anonymous_api: APIClient, repository: Repository, store_dir: Path
) -> None:
    assert (api.get(PATH).status_code, stranger_api.get(PATH).status_code) == (200, 403)
    assert anonymous_api.get(PATH).status_code == 401
    Repository.objects.update(visibility="public")
    assert stranger_api.get(PATH).status_code == anonymous_api.get(PATH).status_code == 200
    assert api.get("/api/v1/repository/acme/missing/tag/").status_code == 404


def test_a_manifest_that_the_disk_has_damaged_is_still_listed(
    api: APIClient, repository: Repository, store_dir: Path
) -> None:
    fill(connections.store(), "acme/app", {"v1": small_image(1)})
    digest = small_image(1).manifest.digest
    connections.store().content_path(digest).write_bytes(b"{}")

    (tag,) = tags(api)

    assert (tag["manifest_digest"], tag["size"]) == (digest, None)
