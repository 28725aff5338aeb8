"""Which sources a mirror may have: Quay's tests of server-side request forgery, on our rules."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from mirrors.models import Mirror, Namespace, Repository, Robot, User
from mirrors.services.accounts import access_tokens
from tests.api.conftest import BODY, MIRROR, APIClient


@pytest.fixture
def api(owner: User, repository: Repository, robot: Robot) -> APIClient:
    """Calls as who administers `acme`, which has `acme/app` and the robot `acme+mirror`."""
    _, text = access_tokens.issue_token(owner, name="test", scopes=["repo:admin"])
    return APIClient(text)


@pytest.mark.parametrize("host", ["10.0.0.1", "192.168.1.1:5000", "127.0.0.1", "localhost", "kubernetes.default.svc"])
def test_a_private_source_is_refused_before_anything_is_stored(
    api: APIClient, repository: Repository, settings: Settings, host: str
) -> None:
    settings.SSRF_ALLOWED_HOSTS, settings.EMBEDDED = [], False  # the tests' own registries and farm
    response = api.post(MIRROR, BODY | {"external_reference": f"{host}/team/app"})

    assert response.status_code == 400
    assert "not allowed" in response.json()["detail"]
    repository.refresh_from_db()
    assert (Mirror.objects.count(), repository.permissions.count(), repository.state) == (0, 0, "NORMAL")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_allowed_private_source_is_taken(api: APIClient, settings: Settings, method: str) -> None:
    if method == "PUT":
        assert api.post(MIRROR, BODY).status_code == 201
    settings.SSRF_ALLOWED_HOSTS = ["10.0.0.0/8"]
    source = {"external_reference": "10.1.2.3:5000/team/app"}

    response = api.post(MIRROR, BODY | source) if method == "POST" else api.put(MIRROR, source)

    assert response.status_code == 201
    assert Mirror.objects.get().source_reference == "10.1.2.3:5000/team/app"


@pytest.mark.parametrize(
    "wrong", [{"external_reference": "169.254.169.254/latest/meta-data"}, {"sync_start_date": "yesterday"}]
)
def test_a_refused_change_changes_nothing_at_all(api: APIClient, wrong: dict[str, str]) -> None:
    api.post(MIRROR, BODY)
    before = api.get(MIRROR).json()

    response = api.put(MIRROR, {"external_reference": "registry.example.com/new", "sync_interval": 60} | wrong)

    assert response.status_code == 400
    assert api.get(MIRROR).json() == before


@pytest.mark.parametrize(
    ("before", "after"), [(None, "write"), ("read", "write"), ("write", "write"), ("admin", "admin")]
)
def test_the_robot_gets_the_right_to_write_and_keeps_a_stronger_one(
    api: APIClient, organization: Namespace, repository: Repository, robot: Robot, before: str | None, after: str
) -> None:
    if before:
        repository.permissions.create(robot=robot, role=before)

    assert api.post(MIRROR, BODY).status_code == 201

    assert repository.permissions.get(robot=robot).role == after
    assert Mirror.objects.get().tag_patterns == BODY["root_rule"]["rule_value"]
