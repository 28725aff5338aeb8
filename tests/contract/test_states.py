"""What the states of a repository, and the mirroring of a whole organization, forbid."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mirrors.models import Mirror, Namespace, OrganizationMirror, Repository, Robot, User
from mirrors.oci import StoredRepository
from mirrors.sample.images import small_image, store_image
from mirrors.services.accounts import access_tokens
from mirrors.services.syncs import connections
from tests.api.conftest import BODY, APIClient
from tests.fixtures.domain import mirror_organization

REPOSITORY = "/api/v1/repository/acme/app"
LOCKED = [Repository.State.MIRROR, Repository.State.ORG_MIRROR, Repository.State.READ_ONLY]


@pytest.fixture
def api(owner: User, organization: Namespace) -> APIClient:
    """Calls as who administers `acme`."""
    _, text = access_tokens.issue_token(owner, name="test", scopes=["repo:admin", "repo:create", "org:admin"])
    return APIClient(text)


@pytest.fixture
def in_state(repository: Repository) -> Callable[[str], None]:
    """`in_state("MIRROR")`."""

    def change(state: str) -> None:
        Repository.objects.filter(pk=repository.pk).update(state=state)

    return change


@pytest.fixture
def mirrored_organization(organization: Namespace, robot: Robot) -> OrganizationMirror:
    """`acme` is mirrored as a whole."""
    return mirror_organization(robot, source_url="https://quay.io", source_namespace="projectquay")


@pytest.fixture
def digest(repository: Repository, store_dir: Path) -> str:
    """The digest of the tag v1 of `acme/app`."""

    async def push() -> str:
        stored = StoredRepository(connections.store(), "acme/app")
        await store_image(small_image(1), stored, tag="v1")
        return (await stored.fetch_manifest("v1")).digest

    return asyncio.run(push())


@pytest.mark.usefixtures("mirrored_organization")
def test_nobody_creates_repositories_or_changes_states_in_a_mirrored_organization(
    api: APIClient, repository: Repository
) -> None:
    body = {"namespace": "acme", "repository": "new", "visibility": "private", "description": ""}

    created = api.post("/api/v1/repository", body)
    changed = api.put(f"{REPOSITORY}/changestate", {"state": "READ_ONLY"})

    for response in (created, changed):
        assert response.status_code == 400
        assert "organization-level mirroring" in response.json()["detail"]
    assert list(Repository.objects.values_list("name", "state")) == [("app", "NORMAL")]


@pytest.mark.usefixtures("mirrored_organization", "repository")
@pytest.mark.parametrize(("method", "body"), [("POST", BODY), ("PUT", {"sync_interval": 60})])
def test_nobody_sets_up_or_changes_a_mirror_in_a_mirrored_organization(api: APIClient, method: str, body: Any) -> None:
    response = (api.post if method == "POST" else api.put)(f"{REPOSITORY}/mirror", body)

    assert (response.status_code, response.json()["error_type"]) == (400, "invalid_request")
    assert "organization-level mirroring" in response.json()["detail"]
    assert not Mirror.objects.exists()


@pytest.mark.parametrize("state", ["NORMAL", *LOCKED])
def test_only_a_normal_repository_can_be_written(api: APIClient, in_state: Callable[[str], None], state: str) -> None:
    in_state(state)

    assert api.get(REPOSITORY, includeTags="false").json()["can_write"] is (state == "NORMAL")


@pytest.mark.parametrize("state", LOCKED)
def test_tags_are_neither_put_deleted_nor_restored_unless_the_repository_is_normal(
    api: APIClient, in_state: Callable[[str], None], state: str, digest: str
) -> None:
    in_state(state)

    answers = [
        api.put(f"{REPOSITORY}/tag/v2", {"manifest_digest": digest}),
        api.send("DELETE", f"{REPOSITORY}/tag/v1"),
        api.post(f"{REPOSITORY}/tag/v1/restore", {"manifest_digest": digest}),
    ]

    for answer in answers:
        assert answer.status_code == 503
        assert answer.json()["message"].startswith("Repository is in read only or mirror mode:")
    assert connections.store().tags("acme/app") == ["v1"]


def test_tags_of_a_normal_repository_are_put_and_deleted(api: APIClient, digest: str) -> None:
    assert api.put(f"{REPOSITORY}/tag/v2", {"manifest_digest": digest}).status_code == 201
    assert api.send("DELETE", f"{REPOSITORY}/tag/v1").status_code == 204
    assert connections.store().tags("acme/app") == ["v2"]


def test_a_repository_leaves_the_mirror_state_and_keeps_its_mirror(api: APIClient, mirror: Mirror) -> None:
    assert api.put(f"{REPOSITORY}/changestate", {"state": "NORMAL"}).status_code == 200

    assert api.get(f"{REPOSITORY}/mirror").status_code == 200
    assert api.get(REPOSITORY, includeTags="false").json()["state"] == "NORMAL"


@pytest.mark.parametrize("state", ["ORG_MIRROR", "normal", "", None])
def test_other_states_are_refused(api: APIClient, repository: Repository, state: Any) -> None:
    assert api.put(f"{REPOSITORY}/changestate", {"state": state}).status_code == 400
