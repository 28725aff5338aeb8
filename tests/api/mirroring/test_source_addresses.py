"""What external_reference may be, and where a mirror may not read from: checked before anything is written."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from mirrors.models import Mirror, Namespace, OrganizationMirror, Repository, Robot, Sync
from mirrors.services.syncs import sync_runs
from tests.api.conftest import BODY, MIRROR, APIClient
from tests.fixtures.domain import mirror_organization

NOT_ALLOWED = "The provided registry location is not allowed"


@pytest.fixture(autouse=True)
def strict(settings: Settings) -> Settings:
    """Public addresses alone."""
    settings.SSRF_ALLOWED_HOSTS = []
    settings.EMBEDDED = False
    return settings


def assert_nothing_stored(repository: Repository) -> None:
    repository.refresh_from_db()
    assert not Mirror.objects.exists()
    assert not repository.permissions.exists()
    assert repository.state == Repository.State.NORMAL


BLOCKED = [
    "169.254.169.254",
    "localhost",
    "localhost:5000",
    "metadata.google.internal",
    "metadata.azure.internal",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "registry.internal",
    "registry.local",
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1:5000",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "[::1]",
    "[64:ff9b::a00:1]",
    "[100::1]",
    "[2001:db8::1]",
    "[fd00::1]:5000",
    "[fe80::1]",
    "[::ffff:10.0.0.1]",
    "[ff02::1]",
]


@pytest.mark.parametrize("host", BLOCKED)
def test_creating_with_a_blocked_address_is_refused_before_anything_is_stored(
    api: APIClient, repository: Repository, robot: Robot, host: str
) -> None:
    response = api.post(MIRROR, BODY | {"external_reference": f"{host}/team/app"})
    assert (response.status_code, response.json()["detail"]) == (400, NOT_ALLOWED)
    assert response.json()["error_type"] == "invalid_request"
    assert_nothing_stored(repository)


@pytest.mark.parametrize("host", ["localhost", "registry.internal", "registry.local", "127.0.0.1"])
def test_the_farms_own_address_frees_no_other_port_of_its_machine(
    api: APIClient, repository: Repository, robot: Robot, strict: Settings, host: str
) -> None:
    strict.EMBEDDED, strict.PUBLIC_URL = True, "http://127.0.0.1:8000"
    response = api.post(MIRROR, BODY | {"external_reference": f"{host}/team/app"})
    assert (response.status_code, response.json()["detail"]) == (400, NOT_ALLOWED)
    assert_nothing_stored(repository)


@pytest.mark.parametrize("allowed", ["registry.local:443", "registry.local:80"])
def test_a_source_without_a_port_may_be_allowed_at_either_port_that_it_is_asked_at(
    api: APIClient, repository: Repository, robot: Robot, strict: Settings, allowed: str
) -> None:
    strict.SSRF_ALLOWED_HOSTS = [allowed]
    assert api.post(MIRROR, BODY | {"external_reference": "registry.local/team/app"}).status_code == 201


@pytest.mark.parametrize("host", BLOCKED)
def test_changing_to_a_blocked_address_leaves_everything_as_it_was(mirrored: APIClient, host: str) -> None:
    before = mirrored.get(MIRROR).json()
    response = mirrored.put(MIRROR, {"external_reference": f"{host}/team/app", "sync_interval": 77})
    assert (response.status_code, response.json()["detail"]) == (400, NOT_ALLOWED)
    assert mirrored.get(MIRROR).json() == before


MALFORMED = [
    "",
    "  ",
    "quay.io/a b",
    "https://quay.io/a",
    "quay.io/a?b",
    "quay.io/a#b",
    "quay.io/a\\b",
    "quay.io/a%20b",
    "quay.io",
    "/a",
    "quay.io/",
    "::1/a",
    "[::1/a",
    "a.io:1:2/b",
    "quay.io:/a",
    "quay.io:0/a",
    "quay.io:abc/a",
    "quay.io:70000/a",
    "user@quay.io/a",
    "user:a-password@quay.io/a",
    "-bad.io/a",
    f"{'a' * 64}.io/a",
    "quay.io./a",
]


@pytest.mark.parametrize("reference", MALFORMED)
def test_what_is_no_reference_is_refused_with_a_sentence(
    api: APIClient, repository: Repository, robot: Robot, reference: str
) -> None:
    response = api.post(MIRROR, BODY | {"external_reference": reference})
    assert (response.status_code, response.json()["error_type"]) == (400, "invalid_request")
    assert response.json()["detail"] != NOT_ALLOWED
    assert "a-password" not in response.content.decode()
    assert_nothing_stored(repository)


@pytest.mark.parametrize(
    ("allowed", "host"),
    [("10.0.0.0/8", "10.0.0.1"), ("10.0.0.1", "10.0.0.1"), ("registry.local", "REGISTRY.local"), ("::1", "[::1]:5000")],
)
def test_an_allowed_private_registry_can_be_created_and_changed_to(
    api: APIClient, repository: Repository, robot: Robot, strict: Settings, allowed: str, host: str
) -> None:
    strict.SSRF_ALLOWED_HOSTS = [allowed]
    assert api.post(MIRROR, BODY | {"external_reference": f"{host}/team/app"}).status_code == 201
    assert api.put(MIRROR, {"external_reference": f"{host}/team/other"}).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_a_name_that_resolves_to_a_private_address_is_refused_when_the_worker_connects(
    api: APIClient, repository: Repository, robot: Robot, rung: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Quay looks the name up in the request. Here no request waits for a name server, and the address that is checked
    # is the one that is connected to.
    def answer(host: str, port: int, *_: object, **__: object) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert api.post(MIRROR, BODY | {"external_registry_config": {}}).status_code == 201
    sync_runs.run_sync(Sync.objects.create(mirror=Mirror.objects.get()).pk)
    error = api.get(MIRROR).json()["last_error"]
    assert (error["code"], error["side"]) == ("blocked_source", "source")
    assert "10.0.0.1" not in error["message"]
    assert api.post(f"{MIRROR}/verify", {}).json()["error"]["code"] == "blocked_source"


def test_a_wrong_date_is_refused_before_the_source_is_changed(mirrored: APIClient) -> None:
    body = {"external_reference": "registry.example.com/new/one", "sync_start_date": "not-a-date"}
    response = mirrored.put(MIRROR, body)
    assert (response.status_code, response.json()["detail"]) == (400, "Incorrect DateTime format for sync_start_date.")
    assert mirrored.get(MIRROR).json()["external_reference"] == BODY["external_reference"]


class TestMirroredOrganization:
    """Where the whole organization is mirrored, no repository's mirror is managed by itself."""

    @pytest.fixture
    def organization_mirror(self, organization: Namespace, robot: Robot) -> OrganizationMirror:
        return mirror_organization(robot, source_url="https://quay.io", starts_at=timezone.now())

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_creating_changing_and_removing_are_refused(
        self, api: APIClient, mirror: Mirror, organization_mirror: OrganizationMirror, method: str
    ) -> None:
        response = {"POST": api.post, "PUT": api.put, "DELETE": lambda path, _: api.send("DELETE", path)}[method](
            MIRROR, BODY
        )
        assert (response.status_code, response.json()["error_type"]) == (400, "invalid_request")
        assert "organization-level mirroring is configured" in response.json()["detail"]
        assert Mirror.objects.get().sync_interval == mirror.sync_interval

    def test_that_is_said_before_the_mirror_is_looked_for(
        self, api: APIClient, repository: Repository, organization_mirror: OrganizationMirror
    ) -> None:
        assert api.put(MIRROR, {}).status_code == 400
        assert (
            api.post(MIRROR, BODY | {"external_reference": "example.com"}).json()["detail"].startswith("Repository m")
        )

    def test_without_an_organization_mirror_it_is_allowed(self, mirrored: APIClient) -> None:
        assert mirrored.put(MIRROR, {"sync_interval": 77}).status_code == 201
