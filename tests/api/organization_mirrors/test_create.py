"""POST /v1/organization/{organization}/mirror."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from mirrors.models import LogEntry, Namespace, OrganizationMirror, Repository, Robot, User
from tests.api.conftest import APIClient
from tests.api.organization_mirrors.bodies import BODY, PASSWORD, PROXY_PASSWORD, URL, WHOLE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _robot(robot: Robot) -> None:
    """`acme+mirror` is there in every test."""


def test_a_mirror_is_made_and_is_enabled_unless_told_otherwise(api: APIClient) -> None:
    response = api.post(URL, BODY)

    assert (response.status_code, response.json()) == (201, "")
    shown = api.get(URL).json()
    assert shown["is_enabled"] is True
    assert shown["sync_status"] == "NEVER_RUN"
    assert (shown["skopeo_timeout"], shown["repository_filters"], shown["external_registry_config"]) == (300, [], {})


def test_every_optional_field_is_stored_and_shown_as_it_was_sent(api: APIClient) -> None:
    api.post(URL, WHOLE)

    shown = api.get(URL).json()
    sent = {name: value for name, value in WHOLE.items() if name not in _NOT_SHOWN_AS_SENT}
    assert {name: shown[name] for name in sent} == sent
    assert shown["external_registry_config"]["proxy"] == {
        "https_proxy": "http://user:********@proxy.example.com:3128",
        "http_proxy": None,
        "no_proxy": "localhost",
    }


_NOT_SHOWN_AS_SENT = ("external_registry_password", "external_registry_config")


def test_no_password_is_shown_logged_or_stored_as_it_is(api: APIClient) -> None:
    api.post(URL, WHOLE)

    stored = repr(OrganizationMirror.objects.values().get()) + repr(list(LogEntry.objects.values()))
    for secret in (PASSWORD, PROXY_PASSWORD):
        assert secret not in stored
        assert secret not in api.get(URL).content.decode()


def test_a_date_is_kept_to_the_second(api: APIClient) -> None:
    api.post(URL, BODY)

    shown = api.get(URL).json()
    assert shown["sync_start_date"] == "2030-01-02T06:30:00Z"
    assert len(shown["creation_date"]) == len("2030-01-02T06:30:00Z")


def test_a_second_mirror_of_the_same_organization_is_refused(mirrored: APIClient) -> None:
    response = mirrored.post(URL, BODY)

    assert response.status_code == 400
    assert "already exists" in response.json()["detail"]


def _changed(**values: Any) -> dict[str, Any]:
    return BODY | values


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (_changed(robot_username="acme+nobody"), "Invalid robot account: acme+nobody"),
        (_changed(robot_username="mirror"), "Invalid robot account: mirror"),
        (_changed(external_registry_type="docker"), "external_registry_type must be"),
        (_changed(visibility="secret"), "visibility must be"),
        (_changed(sync_interval=30), "sync_interval must be at least 60"),
        (_changed(sync_interval=True), "sync_interval must be an integer"),
        (_changed(sync_start_date="tomorrow"), "Invalid sync_start_date format"),
        (_changed(sync_start_date="2030-01-02T06:30:00.00Z"), "Invalid sync_start_date format"),
        (_changed(skopeo_timeout=10), "skopeo_timeout must be at least 30"),
        (_changed(skopeo_timeout=5000), "skopeo_timeout must be at most 3600"),
        (_changed(external_namespace=" "), "external_namespace must name"),
        (_changed(external_namespace="x" * 256), "external_namespace must name"),
        (_changed(repository_filters=[""]), "repository_filters must be patterns"),
        (_changed(repository_filters="app"), "repository_filters must be an array"),
        (_changed(external_registry_username="x" * 5000), "external_registry_username"),
        (_changed(external_registry_config={"proxy": {"http_proxy": 1}}), "proxy.http_proxy must be a string"),
        (_changed(external_registry_config={"proxy": {"http_proxy": "\n"}}), "proxy.http_proxy may have"),
        (_changed(external_registry_url=""), "The registry URL must be an address"),
        (_changed(external_registry_url="ftp://registry.example.com"), "scheme"),
        (_changed(external_registry_url="registry.example.com"), "scheme"),
        (_changed(external_registry_url="https://"), "must include a host"),
        (_changed(external_registry_url="https://u:planted@registry.example.com"), "must not include a user name"),
        (_changed(external_registry_url="https://registry.example.com?x=1"), "must end with its host or path"),
        (_changed(external_registry_url="https://registry.example.com:99999"), "must be a valid address"),
        (_changed(external_registry_url="https://-.example.com"), "must include a valid host"),
        (_changed(external_registry_url="https://[::1"), "must be a valid address"),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(api: APIClient, body: dict[str, Any], words: str) -> None:
    response = api.post(URL, body)

    assert response.status_code == 400
    assert words in response.json()["detail"]
    assert response.json()["error_type"] == "invalid_request"
    assert "planted" not in response.content.decode()
    assert not OrganizationMirror.objects.exists()


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "kubernetes.default.svc",
        "metadata.google.internal",
        "[::1]",
    ],
)
def test_an_address_that_this_farm_may_not_reach_is_not_allowed(api: APIClient, settings: Settings, host: str) -> None:
    settings.SSRF_ALLOWED_HOSTS = []

    response = api.post(URL, _changed(external_registry_url=f"https://{host}"))

    assert response.status_code == 400
    assert response.json()["detail"] == "The provided registry URL is not allowed"


def test_an_address_that_an_administrator_has_allowed_is_accepted(api: APIClient, settings: Settings) -> None:
    settings.SSRF_ALLOWED_HOSTS = ["10.0.0.0/8"]

    assert api.post(URL, _changed(external_registry_url="http://10.0.0.1:8080/quay")).status_code == 201


def test_a_robot_of_another_organization_is_refused(api: APIClient, owner: User) -> None:
    Robot.objects.create(namespace=owner.namespace, name="mirror")

    response = api.post(URL, _changed(robot_username="owner+mirror"))

    assert response.status_code == 400
    assert response.json()["detail"] == "Robot account must belong to the organization"


def test_an_organization_with_repositories_is_refused(api: APIClient, repository: Repository) -> None:
    response = api.post(URL, BODY)

    assert response.status_code == 400
    detail = response.json()["detail"]
    assert "already contains repositories" in detail
    assert "requires an empty organization" in detail


def test_the_robot_is_looked_at_before_the_date_and_that_before_the_address(
    api: APIClient, repository: Repository
) -> None:
    body = _changed(robot_username="acme+nobody", sync_start_date="x", external_registry_url="ftp://x")
    details = [api.post(URL, body).json()["detail"]]
    for fixed in ("robot_username", "sync_start_date", "external_registry_url"):
        body[fixed] = BODY[fixed]
        details.append(api.post(URL, body).json()["detail"])

    assert [detail.split()[:3] for detail in details] == [
        ["Invalid", "robot", "account:"],
        ["Invalid", "sync_start_date", "format."],
        ["The", "registry", "URL"],
        ["The", "organization", "acme"],
    ]


def test_every_required_field_is_asked_for(api: APIClient) -> None:
    for name in BODY:
        response = api.post(URL, {key: value for key, value in BODY.items() if key != name})
        assert response.status_code == 400
        assert response.json()["detail"] == f"'{name}' is a required property"


def test_a_wrong_body_is_refused_before_anything_is_told_about_rights(
    api: APIClient, member_api: APIClient, stranger_api: APIClient
) -> None:
    for client in (api, member_api, stranger_api):
        assert client.post(URL, {}).status_code == 400
        assert client.post("/api/v1/organization/nowhere/mirror", {}).status_code == 400


def test_members_and_strangers_may_not(member_api: APIClient, stranger_api: APIClient) -> None:
    for client in (member_api, stranger_api):
        response = client.post(URL, BODY)
        assert response.status_code == 403
        assert response.json()["error_type"] == "insufficient_scope"
    assert not OrganizationMirror.objects.exists()


def test_only_superusers_learn_that_an_organization_does_not_exist(
    api: APIClient, make_api: Any, superuser: User
) -> None:
    elsewhere = "/api/v1/organization/nowhere/mirror"

    assert api.post(elsewhere, BODY).status_code == 403
    assert make_api(superuser, scopes=["org:admin", "super:user"]).post(elsewhere, BODY).status_code == 404
    assert make_api(superuser, scopes=["org:admin"]).post(elsewhere, BODY).status_code == 403


def test_a_users_own_namespace_is_no_organization(api: APIClient) -> None:
    assert api.post("/api/v1/organization/owner/mirror", BODY).status_code == 403


def test_without_the_scope_nothing_is_made(make_api: Any, owner: User, organization: Namespace) -> None:
    assert make_api(owner, scopes=["repo:admin"]).post(URL, BODY).status_code == 403


def test_the_log_says_what_was_set_up(mirrored: APIClient) -> None:
    entry = LogEntry.objects.get(kind="org_mirror_enabled")

    assert entry.namespace_name == "acme"
    assert entry.performer_name == "owner"
    expected = {
        "external_registry_type": "quay",
        "external_registry_url": "https://registry.example.com",
        "external_namespace": "team",
        "sync_interval": 3600,
        "robot_username": "acme+mirror",
    }
    assert {key: entry.metadata[key] for key in expected} == expected
