"""Description, visibility, state, deletion; tags and figures of GET."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from mirrors.models import LogEntry, Mirror, MirroredTag, OrganizationMirror, Registry, Repository, Robot, User
from mirrors.sample.images import small_image
from mirrors.services.syncs import connections
from tests.api.conftest import APIClient
from tests.fixtures.domain import mirror_organization
from tests.registry_api.conftest import fill

PATH = "/api/v1/repository/acme/app"


@pytest.fixture
def writer_api(make_api: Callable[..., APIClient], make_user: Callable[..., User], repository: Repository) -> APIClient:
    """Calls as who may write to acme/app."""
    writer = make_user("writer")
    repository.permissions.create(user=writer, role="write")
    return make_api(writer)


def shown(api: APIClient, **query: str) -> dict[str, Any]:
    answer = api.get(PATH, **query)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_writers_set_the_description(writer_api: APIClient) -> None:
    answer = writer_api.put(PATH, {"description": "New\nlines"})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert shown(writer_api)["description"] == "New\nlines"


@pytest.mark.parametrize("body", [{}, {"description": None}, {"description": 1}, {"description": "x" * 25_001}, None])
def test_a_description_is_text_of_a_bounded_length(api: APIClient, repository: Repository, body: Any) -> None:
    assert api.put(PATH, body).status_code == 400


def test_administrators_make_it_public_and_private_again(
    api: APIClient, writer_api: APIClient, stranger_api: APIClient, repository: Repository
) -> None:
    assert writer_api.post(f"{PATH}/changevisibility", {"visibility": "public"}).status_code == 403
    for visibility, seen in (("public", 200), ("private", 403)):
        answer = api.post(f"{PATH}/changevisibility", {"visibility": visibility})
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        assert stranger_api.get(PATH).status_code == seen
    for body in ({}, {"visibility": "secret"}, None):
        assert api.post(f"{PATH}/changevisibility", body).status_code == 400


def test_the_state_is_set_and_decides_who_may_write(api: APIClient, mirror: Mirror) -> None:
    for state in ("NORMAL", "READ_ONLY", "MIRROR"):
        answer = api.put(f"{PATH}/changestate", {"state": state})
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        assert (shown(api)["state"], shown(api)["can_write"]) == (state, state == "NORMAL")
    assert api.get(f"{PATH}/mirror").status_code == 200, "the configuration stays"


@pytest.mark.parametrize("body", [None, {}, {"state": "ORG_MIRROR"}, {"state": "gone"}, {"state": 2}])
def test_other_states_are_refused(api: APIClient, repository: Repository, body: Any) -> None:
    assert api.put(f"{PATH}/changestate", body).status_code == 400
    assert shown(api)["state"] == "NORMAL"


def test_a_state_is_changed_by_administrators_only(
    anonymous_api: APIClient, stranger_api: APIClient, writer_api: APIClient
) -> None:
    for caller in (anonymous_api, stranger_api, writer_api):
        assert caller.put(f"{PATH}/changestate", {"state": "MIRROR"}).status_code == 403
        assert caller.put("/api/v1/repository/acme/missing/changestate", {"state": "MIRROR"}).status_code == 403


@pytest.fixture
def organization_mirror(repository: Repository, robot: Robot) -> OrganizationMirror:
    """`acme` is mirrored as a whole."""
    return mirror_organization(robot)


def test_in_an_organization_that_is_mirrored_as_a_whole_nobody_makes_repositories_or_changes_states(
    api: APIClient, organization_mirror: OrganizationMirror
) -> None:
    new = {"namespace": "acme", "repository": "new", "visibility": "private", "description": ""}
    for answer in (api.post("/api/v1/repository", new), api.put(f"{PATH}/changestate", {"state": "MIRROR"})):
        assert answer.status_code == 400
        assert "organization-level mirroring" in answer.json()["detail"]
    refused = api.post("/api/v1/repository", new).json()["detail"]
    assert refused == "Cannot create repository: organization is managed by organization-level mirroring"


def test_a_deleted_repository_is_gone_with_its_content(
    api: APIClient,
    writer_api: APIClient,
    mirror: Mirror,
    store_dir: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    fill(connections.store(), "acme/app", {"v1": small_image(1)})
    assert writer_api.send("DELETE", PATH).status_code == 403

    with django_capture_on_commit_callbacks(execute=True):
        answer = api.send("DELETE", PATH)

    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(PATH).status_code == api.send("DELETE", PATH).status_code == 404
    assert not connections.store().has_repository("acme/app")


def test_a_repository_of_an_organization_that_is_mirrored_as_a_whole_can_be_deleted(
    api: APIClient, organization_mirror: OrganizationMirror, mirror: Mirror
) -> None:
    assert api.send("DELETE", PATH).status_code == 204
    assert not Mirror.objects.exists()


def test_changes_are_in_the_log_with_who_made_them(api: APIClient, repository: Repository, owner: User) -> None:
    api.put(PATH, {"description": "New"})
    api.post(f"{PATH}/changevisibility", {"visibility": "public"})
    api.put(f"{PATH}/changestate", {"state": "READ_ONLY"})
    api.send("DELETE", PATH)

    entries = LogEntry.objects.filter(kind__contains="repo").order_by("pk")
    assert [entry.kind for entry in entries] == [
        "set_repo_description",
        "change_repo_visibility",
        "change_repo_state",
        "delete_repo",
    ]
    assert {entry.performer for entry in entries} == {owner}
    assert {(entry.namespace_name, entry.repository_name) for entry in entries} == {("acme", "app")}


def test_the_tags_of_the_built_in_store_come_along_unless_they_are_not_wanted(
    api: APIClient, repository: Repository, store_dir: Path
) -> None:
    assert shown(api)["tags"] == {}
    image = small_image(1)
    fill(connections.store(), "acme/app", {"v1": image})

    tag = shown(api)["tags"]["v1"]

    assert (tag["name"], tag["manifest_digest"]) == ("v1", image.manifest.digest)
    assert tag["size"] == sum(blob.size for blob in image.manifest.blobs())
    assert "tags" not in shown(api, includeTags="false")


def test_of_a_remote_registry_those_come_along_that_were_mirrored(api: APIClient, mirror: Mirror) -> None:
    namespace = mirror.repository.namespace
    namespace.target_registry = Registry.objects.create(name="there", address="127.0.0.1:1")
    namespace.save()
    MirroredTag.objects.create(
        mirror=mirror, tag="v1", source_digest="sha256:a", target_digest="sha256:b", scope="", sync_id=1
    )
    MirroredTag.objects.create(mirror=mirror, tag="skipped", source_digest="sha256:a", scope="", sync_id=1)

    assert shown(api)["tags"] == {"v1": {"name": "v1", "size": None, "manifest_digest": "sha256:b"}}


def test_figures_count_what_happened_each_day(api: APIClient, repository: Repository) -> None:
    api.put(PATH, {"description": "New"})

    stats = shown(api, includeStats="true")["stats"]

    assert len(stats) == 92
    assert [day["count"] for day in stats] == [1] + [0] * 91
    assert "stats" not in shown(api)
