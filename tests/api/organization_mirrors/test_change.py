"""PUT and DELETE /v1/organization/{organization}/mirror."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from mirrors.models import DiscoveredRepository, LogEntry, Mirror, OrganizationMirror, Repository, Robot, User
from tests.api.conftest import APIClient
from tests.api.organization_mirrors.bodies import BODY, PASSWORD, URL, WHOLE

pytestmark = pytest.mark.django_db

STATE = ("sync_status", "repo_sync_status_counts", "discovery_note", "creation_date")


def _shown(api: APIClient) -> dict[str, Any]:
    return {name: value for name, value in api.get(URL).json().items() if name not in STATE}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("is_enabled", False),
        ("visibility", "public"),
        ("external_registry_url", "https://other.example.com"),
        ("external_namespace", "others"),
        ("sync_interval", 7200),
        ("sync_start_date", "2031-01-01T00:00:00Z"),
        ("external_registry_username", "reader"),
        ("external_registry_config", {"verify_tls": False}),
        ("repository_filters", ["x-*"]),
        ("skopeo_timeout", 3600),
    ],
)
def test_one_field_changes_and_the_others_stay(mirrored: APIClient, name: str, value: Any) -> None:
    before = _shown(mirrored)

    response = mirrored.put(URL, {name: value})

    assert (response.status_code, response.json()) == (200, "")
    assert _shown(mirrored) == before | {name: value}


def test_it_is_switched_off_and_on_again(mirrored: APIClient) -> None:
    for wanted in (False, True):
        mirrored.put(URL, {"is_enabled": wanted})
        assert mirrored.get(URL).json()["is_enabled"] is wanted


def test_many_fields_change_at_once(mirrored: APIClient) -> None:
    change = {"visibility": "public", "sync_interval": 120, "repository_filters": ["a", "b"]}

    mirrored.put(URL, change)

    shown = mirrored.get(URL).json()
    assert {name: shown[name] for name in change} == change


def test_an_empty_change_is_fine_and_so_are_unknown_keys_and_the_type(mirrored: APIClient) -> None:
    before = _shown(mirrored)

    assert mirrored.put(URL, {}).status_code == 200
    assert mirrored.put(URL, {"external_registry_type": "harbor", "unknown": 1}).status_code == 200

    assert _shown(mirrored) == before


def test_what_was_shown_can_be_sent_back_and_changes_nothing(api: APIClient, robot: Robot) -> None:
    api.post(URL, WHOLE)
    before, stored = _shown(api), OrganizationMirror.objects.get().registry_config

    assert api.put(URL, before).status_code == 200

    assert _shown(api) == before
    assert OrganizationMirror.objects.get().registry_config == stored
    assert OrganizationMirror.objects.get().source_password == PASSWORD


def test_the_registry_configuration_is_replaced_whole(api: APIClient, robot: Robot) -> None:
    api.post(URL, WHOLE)

    api.put(URL, {"external_registry_config": {"proxy": {"no_proxy": "a"}}})

    assert api.get(URL).json()["external_registry_config"] == {"proxy": {"no_proxy": "a"}}


def test_credentials_are_set_kept_and_cleared_each_by_itself(mirrored: APIClient) -> None:
    def state() -> tuple[Any, bool]:
        shown = mirrored.get(URL).json()
        return shown["external_registry_username"], shown["has_external_registry_password"]

    assert state() == (None, False)
    for change, expected in [
        ({"external_registry_username": "reader", "external_registry_password": PASSWORD}, ("reader", True)),
        ({"sync_interval": 60}, ("reader", True)),
        ({"external_registry_username": ""}, (None, True)),
        ({"external_registry_username": "x"}, ("x", True)),
        ({"external_registry_username": None}, (None, True)),
        ({"external_registry_password": ""}, (None, False)),
        ({"external_registry_password": PASSWORD}, (None, True)),
        ({"external_registry_password": None}, (None, False)),
    ]:
        assert mirrored.put(URL, change).status_code == 200
        assert state() == expected


@pytest.mark.parametrize(
    "change",
    [
        {"external_registry_url": "https://other.example.com"},
        {"external_registry_url": "http://registry.example.com"},
        {"external_registry_config": {"verify_tls": False, "proxy": {"https_proxy": "http://proxy.example.org"}}},
    ],
)
def test_a_stored_password_is_forgotten_where_it_would_be_shown_to_somebody_else(
    mirrored: APIClient, change: dict[str, Any]
) -> None:
    mirrored.put(URL, {"external_registry_password": PASSWORD})

    mirrored.put(URL, change)
    assert mirrored.get(URL).json()["has_external_registry_password"] is False

    mirrored.put(URL, change | {"external_registry_password": PASSWORD})
    assert mirrored.get(URL).json()["has_external_registry_password"] is True


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"robot_username": "acme+nobody"}, "Invalid robot account"),
        ({"sync_interval": 30}, "at least 60"),
        ({"visibility": "secret"}, "visibility must be"),
        ({"sync_start_date": "January 1 2030"}, "sync_start_date"),
        ({"skopeo_timeout": 10}, "at least 30"),
        ({"skopeo_timeout": 5000}, "at most 3600"),
        ({"external_registry_url": "http://192.168.1.1"}, "not allowed"),
        ({"external_registry_url": "http://169.254.169.254/latest"}, "not allowed"),
        ({"is_enabled": None}, "true or false"),
    ],
)
def test_a_wrong_value_changes_nothing(
    mirrored: APIClient, settings: Settings, change: dict[str, Any], words: str
) -> None:
    settings.SSRF_ALLOWED_HOSTS = []
    before = _shown(mirrored)

    response = mirrored.put(URL, {"external_namespace": "others"} | change)

    assert response.status_code == 400
    assert words in response.json()["detail"]
    assert _shown(mirrored) == before


def test_a_robot_of_another_organization_is_refused(mirrored: APIClient, owner: User) -> None:
    Robot.objects.create(namespace=owner.namespace, name="mirror")

    response = mirrored.put(URL, {"robot_username": "owner+mirror"})

    assert response.status_code == 400
    assert "belong to the organization" in response.json()["detail"]


def test_without_a_mirror_there_is_nothing_to_change_or_remove(api: APIClient) -> None:
    assert api.put(URL, {}).status_code == 404
    assert api.send("DELETE", URL).status_code == 404


def test_members_and_strangers_may_neither_change_nor_remove(
    mirrored: APIClient, member_api: APIClient, stranger_api: APIClient
) -> None:
    before = _shown(mirrored)

    for client in (member_api, stranger_api):
        assert client.put(URL, {"is_enabled": False}).status_code == 403
        assert client.send("DELETE", URL).status_code == 403

    assert _shown(mirrored) == before


def test_read_only_superusers_may_look_and_no_more(mirrored: APIClient, make_api: Any, make_user: Any) -> None:
    reader = make_api(make_user("auditor", is_readonly_superuser=True), scopes=["org:admin", "super:user"])

    assert reader.get(URL).status_code == 200
    assert reader.get(f"{URL}/repositories").status_code == 200
    assert reader.get("/api/v1/organization/nowhere/mirror").status_code == 404
    assert reader.put(URL, {}).status_code == 403
    assert reader.post(URL, BODY).status_code == 403
    assert reader.send("DELETE", URL).status_code == 403
    for call in ("sync-now", "sync-cancel", "verify"):
        assert reader.send("POST", f"{URL}/{call}").status_code == 403


def test_a_change_of_an_older_version_is_refused(mirrored: APIClient) -> None:
    version = mirrored.get(URL).headers["ETag"]
    mirrored.put(URL, {"sync_interval": 90})

    stale = mirrored.client.put(
        URL, {"sync_interval": 60}, "application/json", headers=mirrored._headers | {"If-Match": version}
    )

    assert stale.status_code == 412
    assert mirrored.get(URL).json()["sync_interval"] == 90


def test_the_log_names_the_fields_and_where_it_reads(mirrored: APIClient) -> None:
    mirrored.put(URL, {"external_namespace": "others", "sync_interval": 90})

    metadata = LogEntry.objects.get(kind="org_mirror_config_changed").metadata
    assert sorted(metadata["updated_fields"]) == ["external_namespace", "sync_interval"]
    assert metadata["old_external_reference"] == "https://registry.example.com/team"
    assert metadata["external_reference"] == "https://registry.example.com/others"


def test_removing_leaves_the_repositories_as_normal_ones(
    mirrored: APIClient, discover: Callable[..., DiscoveredRepository]
) -> None:
    discover("app", status="succeeded")
    discover("base", status="running")
    discover("gone", is_skipped=True)

    response = mirrored.send("DELETE", URL)

    assert response.status_code == 204
    assert mirrored.get(URL).status_code == 404
    assert set(Repository.objects.values_list("name", "state")) == {("app", "NORMAL"), ("base", "NORMAL")}
    assert not DiscoveredRepository.objects.exists()
    assert not Mirror.objects.exists()
    assert LogEntry.objects.get(kind="org_mirror_disabled").metadata["external_reference"] == (
        "https://registry.example.com/team"
    )


def test_another_organizations_mirror_stays(mirrored: APIClient, owner: User, make_api: Any) -> None:
    mirrored.post("/api/v1/organization/", {"name": "other"})
    mirrored.send("PUT", "/api/v1/organization/other/robots/mirror")
    elsewhere = "/api/v1/organization/other/mirror"
    assert mirrored.post(elsewhere, BODY | {"robot_username": "other+mirror"}).status_code == 201

    mirrored.send("DELETE", URL)

    assert mirrored.get(elsewhere).status_code == 200


def test_it_can_be_set_up_anew_with_other_values(mirrored: APIClient) -> None:
    mirrored.send("DELETE", URL)

    assert mirrored.post(URL, BODY | {"external_registry_type": "harbor", "visibility": "public"}).status_code == 201

    shown = mirrored.get(URL).json()
    assert (shown["external_registry_type"], shown["visibility"]) == ("harbor", "public")


def test_it_cannot_be_set_up_anew_while_its_repositories_are_there(
    mirrored: APIClient, discover: Callable[..., DiscoveredRepository]
) -> None:
    discover("app", status="succeeded")
    mirrored.send("DELETE", URL)

    assert "already contains repositories" in mirrored.post(URL, BODY).json()["detail"]
