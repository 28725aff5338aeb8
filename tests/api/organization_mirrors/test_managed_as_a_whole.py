"""What the API refuses for single repositories while their whole organization is mirrored."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mirrors.models import DiscoveredRepository, Mirror, Repository, Robot
from mirrors.models.sync import Status
from tests.api.conftest import BODY as MIRROR_BODY
from tests.api.conftest import APIClient
from tests.api.organization_mirrors.bodies import URL

pytestmark = pytest.mark.django_db
REPOSITORY = "/api/v1/repository/acme/app"


@pytest.fixture
def discovered(discover: Callable[..., DiscoveredRepository]) -> Repository:
    """`acme/app`, which the organization's mirror has made."""
    made = discover("app", status=Status.SUCCEEDED).repository
    assert made is not None
    return made


def test_no_repository_is_made(mirrored: APIClient) -> None:
    body = {"namespace": "acme", "repository": "other", "visibility": "private", "description": ""}

    response = mirrored.post("/api/v1/repository", body)

    assert response.status_code == 400
    assert response.json()["detail"] == (
        "Cannot create repository: organization is managed by organization-level mirroring"
    )
    assert not Repository.objects.exists()


def test_no_state_is_changed(mirrored: APIClient, discovered: Repository) -> None:
    response = mirrored.put(f"{REPOSITORY}/changestate", {"state": "NORMAL"})

    assert response.status_code == 400
    assert "organization-level mirroring" in response.json()["detail"]
    discovered.refresh_from_db()
    assert discovered.state == Repository.State.ORG_MIRROR


def test_no_mirror_is_set_up_or_changed(mirrored: APIClient, discovered: Repository) -> None:
    for response in (
        mirrored.put(f"{REPOSITORY}/mirror", {"is_enabled": False}),
        mirrored.post(f"{REPOSITORY}/mirror", MIRROR_BODY),
    ):
        assert response.status_code == 400
        assert response.json()["error_type"] == "invalid_request"
        assert "organization-level mirroring is configured" in response.json()["detail"]
    assert Mirror.objects.get().is_enabled


def test_a_mirror_is_set_up_again_where_no_organization_mirror_is(mirrored: APIClient, robot: Robot) -> None:
    mirrored.send("DELETE", URL)
    body = {"namespace": "acme", "repository": "app", "visibility": "private", "description": ""}
    assert mirrored.post("/api/v1/repository", body).status_code == 201

    assert mirrored.post(f"{REPOSITORY}/mirror", MIRROR_BODY).status_code == 201


def test_nobody_may_write_what_the_organizations_mirror_writes(mirrored: APIClient, discovered: Repository) -> None:
    assert mirrored.get(REPOSITORY).json()["can_write"] is False
    assert mirrored.send("DELETE", f"{REPOSITORY}/tag/latest").status_code == 503
