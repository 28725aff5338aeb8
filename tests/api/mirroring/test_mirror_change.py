"""PUT …/mirror: one field at a time, nothing half done."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mirrors.models import Mirror, Repository, Robot
from tests.api.conftest import BODY, MIRROR, APIClient

SHELL = "value; $(rm -rf /) && `id` | cat > 'x'"
RULE = {"rule_kind": "tag_glob_csv", "rule_value": ["3.1", "3.1*"]}


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("is_enabled", True, 201),
        ("is_enabled", False, 201),
        ("is_enabled", None, 400),
        ("is_enabled", "foo", 400),
        ("external_reference", "example.com/foo/bar", 201),
        ("external_reference", "example.com/foo", 201),
        ("external_reference", "example.com", 400),
        ("external_registry_username", "newTestUsername", 201),
        ("external_registry_username", None, 201),
        ("external_registry_username", 123, 400),
        ("external_registry_password", "newTestPassword", 400),
        ("external_registry_password", None, 400),
        ("external_registry_password", 41, 400),
        ("robot_username", "acme+other", 201),
        ("robot_username", "acme+unknown", 400),
        ("sync_start_date", "2020-01-01T00:00:00Z", 201),
        ("sync_start_date", "January 1 2020", 400),
        ("sync_start_date", "2020-01-01T00:00:00.00Z", 400),
        ("sync_start_date", "Wed, 01 Jan 2020 00:00:00 -0000", 400),
        ("sync_start_date", "Wed, 02 Oct 2002 08:00:00 EST", 400),
        ("sync_interval", 2000, 201),
        ("sync_interval", -5, 400),
        ("sync_interval", 0, 400),
        ("skopeo_timeout_interval", 3000, 201),
        ("skopeo_timeout_interval", 60, 400),
        ("root_rule", RULE, 201),
        ("root_rule", {"rule_kind": "tag_glob_csv"}, 400),
        ("root_rule", {"rule_kind": "tag_glob_csv", "rule_value": []}, 400),
        ("root_rule", {"rule_kind": "incorrect", "rule_value": ["3.1"]}, 400),
        ("architecture_filter", ["amd64"], 201),
        ("architecture_filter", ["arm64", "amd64"], 201),
        ("architecture_filter", ["amd64", "arm64", "ppc64le", "s390x"], 201),
        ("architecture_filter", [], 201),
        ("architecture_filter", ["invalid"], 400),
        ("architecture_filter", ["amd64", "invalid"], 400),
        ("architecture_filter", "amd64", 400),
        ("index_mode", "rewritten", 201),
        ("index_mode", "thin", 400),
        ("index_mode", None, 400),
        ("copies_referrers", False, 201),
        ("copies_referrers", "no", 400),
        ("copies_foreign_layers", True, 201),
        ("copies_foreign_layers", 1, 400),
        ("platforms", ["linux/amd64", "linux/arm64"], 201),
        ("platforms", ["windows"], 400),
        ("platforms", [7], 400),
        ("platforms", "amd64", 400),
    ],
)
def test_one_field_changes_or_stays(mirrored: APIClient, robot: Robot, field: str, value: object, status: int) -> None:
    Robot.objects.create(namespace=robot.namespace, name="other")
    before = mirrored.get(MIRROR).json()
    response = mirrored.put(MIRROR, {field: value})
    assert response.status_code == status
    shown = {"platforms": value} if field == "architecture_filter" else {}
    assert mirrored.get(MIRROR).json() == (before | {field: value} | shown if status == 201 else before)
    assert str(value) not in response.content.decode() or field != "external_registry_password"


@pytest.mark.parametrize("field", ["architecture_filter", "platforms"])
@pytest.mark.parametrize("value", [None, []])
def test_no_platforms_read_back_as_empty_lists(mirrored: APIClient, field: str, value: object) -> None:
    assert mirrored.put(MIRROR, {field: value}).status_code == 201
    body = mirrored.get(MIRROR).json()
    assert (body["architecture_filter"], body["platforms"]) == ([], [])


FINE = ["amd64", "linux/arm/v7", "linux/arm64/v8"]


@pytest.fixture
def finely_filtered(mirrored: APIClient) -> APIClient:
    """A mirror of platforms that Quay's filter cannot tell apart."""
    assert mirrored.put(MIRROR, {"platforms": FINE}).status_code == 201
    return mirrored


@pytest.mark.parametrize(
    ("body", "platforms"),
    [
        ({"platforms": ["x86_64", "linux/ARM/7", "amd64"]}, ["amd64", "linux/arm/v7"]),
        ({"platforms": ["windows/amd64"], "architecture_filter": ["amd64"]}, ["windows/amd64"]),
        ({"platforms": ["linux/riscv64"], "architecture_filter": []}, ["linux/riscv64"]),
        ({"architecture_filter": ["s390x"]}, ["s390x"]),
        ({"architecture_filter": []}, []),
        # What is sent back as it was shown changes nothing, alone or beside the other.
        ({"architecture_filter": ["amd64", "arm64"]}, FINE),
        ({"architecture_filter": ["amd64", "arm64"], "platforms": ["s390x"]}, ["s390x"]),
        ({"architecture_filter": ["s390x"], "platforms": FINE}, ["s390x"]),
        ({"architecture_filter": ["amd64", "arm64"], "platforms": FINE}, FINE),
    ],
)
def test_platforms_and_quays_filter_are_two_views_of_one_thing(
    finely_filtered: APIClient, body: dict[str, object], platforms: list[str]
) -> None:
    assert finely_filtered.put(MIRROR, body).status_code == 201
    assert finely_filtered.get(MIRROR).json()["platforms"] == platforms


@pytest.mark.parametrize(
    "body",
    [
        {"platforms": ["linux/arm/v7"], "architecture_filter": ["s390x"]},
        {"platforms": ["linux/s390x", "linux/amd64"], "architecture_filter": ["s390x"]},
        {"platforms": [], "architecture_filter": ["s390x"]},
    ],
)
def test_a_contradiction_between_both_is_refused(finely_filtered: APIClient, body: dict[str, object]) -> None:
    response = finely_filtered.put(MIRROR, body)
    assert response.status_code == 400
    assert "platforms and architecture_filter contradict each other: give one" in response.json()["detail"]
    assert finely_filtered.get(MIRROR).json()["platforms"] == FINE


def test_a_refusal_of_a_platform_names_the_field_and_says_how_to_write_one(mirrored: APIClient) -> None:
    detail = mirrored.put(MIRROR, {"platforms": ["amd64/linux"]}).json()["detail"]
    assert detail.startswith("platforms: ")
    assert "Write it like linux/amd64, linux/arm/v7 or arm64." in detail


@pytest.mark.parametrize("key", ["http_proxy", "https_proxy", "no_proxy"])
@pytest.mark.parametrize("value", ["https://proxy.corp", None, SHELL])
def test_one_proxy_key_changes_alone(mirrored: APIClient, key: str, value: str | None) -> None:
    before = mirrored.get(MIRROR).json()["external_registry_config"]
    assert mirrored.put(MIRROR, {"external_registry_config": {"proxy": {key: value}}}).status_code == 201
    after = mirrored.get(MIRROR).json()["external_registry_config"]
    assert after == before | {"proxy": before["proxy"] | {key: value}}


@pytest.mark.parametrize("key", ["verify_tls", "unsigned_images"])
@pytest.mark.parametrize(("value", "status"), [(True, 201), (False, 201), (None, 400), ("abc", 400)])
def test_one_switch_changes_alone(mirrored: APIClient, key: str, value: object, status: int) -> None:
    before = mirrored.get(MIRROR).json()["external_registry_config"]
    assert mirrored.put(MIRROR, {"external_registry_config": {key: value}}).status_code == status
    after = mirrored.get(MIRROR).json()["external_registry_config"]
    assert after == (before | {key: value} if status == 201 else before)


def test_the_first_proxy_key_of_a_mirror_without_proxies_is_kept(
    api: APIClient, repository: Repository, robot: Robot
) -> None:
    api.post(MIRROR, {key: value for key, value in BODY.items() if key != "external_registry_config"})
    api.put(MIRROR, {"external_registry_config": {"proxy": {"https_proxy": "http://proxy:1"}}})
    assert api.get(MIRROR).json()["external_registry_config"]["proxy"]["https_proxy"] == "http://proxy:1"


@pytest.mark.parametrize(
    ("body", "status", "username", "password"),
    [
        ({"external_registry_username": "me", "external_registry_password": "pw-1"}, 201, "me", "pw-1"),
        ({"external_registry_username": None, "external_registry_password": None}, 201, None, None),
        ({"external_registry_username": "me", "external_registry_password": None}, 201, "me", None),
        ({"external_registry_username": "me"}, 201, "me", BODY["external_registry_password"]),
        ({"external_registry_username": None}, 201, None, None),
        ({"external_registry_username": "", "external_registry_password": ""}, 201, None, None),
        ({"external_registry_password": "pw-1"}, 400, "reader", BODY["external_registry_password"]),
        ({"external_registry_password": None}, 400, "reader", BODY["external_registry_password"]),
        (
            {"external_registry_username": None, "external_registry_password": "pw-1"},
            400,
            "reader",
            BODY["external_registry_password"],
        ),
    ],
)
def test_credentials_follow_quays_rules(
    mirrored: APIClient, body: dict[str, str | None], status: int, username: str | None, password: str | None
) -> None:
    response = mirrored.put(MIRROR, body)
    assert response.status_code == status
    assert "pw-1" not in response.content.decode()
    mirror = Mirror.objects.get()
    assert (mirror.source_username, mirror.source_password) == (username, password)


def test_nothing_to_change_is_fine_and_so_are_unknown_keys(mirrored: APIClient) -> None:
    before = mirrored.get(MIRROR).json()
    for body in ({}, {"unsigned_images": True}, before):
        response = mirrored.put(MIRROR, body)
        assert (response.status_code, response.content) == (201, b'""')
    assert mirrored.get(MIRROR).json() == before


@pytest.mark.parametrize(
    "fault",
    [
        {"external_reference": "169.254.169.254/latest/meta-data"},
        {"sync_start_date": "not-a-date"},
        {"robot_username": "acme+unknown"},
        {"external_registry_password": "pw-1"},
    ],
)
def test_one_wrong_field_leaves_everything_untouched(mirrored: APIClient, fault: dict[str, str]) -> None:
    before = mirrored.get(MIRROR).json()
    good = {"sync_interval": 77, "is_enabled": False, "external_reference": "example.com/new/one"}
    assert mirrored.put(MIRROR, good | fault).status_code == 400
    assert mirrored.get(MIRROR).json() == before


def test_the_robot_is_looked_up_once(mirrored: APIClient, robot: Robot) -> None:
    Robot.objects.create(namespace=robot.namespace, name="other")
    with CaptureQueriesContext(connection) as queries:
        assert mirrored.put(MIRROR, {"robot_username": "acme+other"}).status_code == 201
    lookups = [query for query in queries if 'FROM "mirrors_robot"' in query["sql"] and "'other'" in query["sql"]]
    assert len(lookups) == 1


def test_a_robot_without_a_namespace_is_invalid(mirrored: APIClient) -> None:
    response = mirrored.put(MIRROR, {"robot_username": "other"})
    assert (response.status_code, response.json()["message"]) == (400, "Invalid robot")


def test_checks_come_in_quays_order(mirrored: APIClient) -> None:
    faults = [
        ({"external_reference": "example.com"}, "example.com"),
        ({"sync_start_date": "today"}, "Incorrect DateTime"),
        ({"architecture_filter": ["sparc"]}, "Invalid architectures"),
        ({"external_registry_password": "pw"}, "Unable to set a new password"),
        ({"root_rule": {"rule_kind": "tag_glob_csv", "rule_value": []}}, "TAG_GLOB_CSV"),
        ({"robot_username": "acme+nobody"}, "Could not find robot"),
    ]
    for first in range(len(faults)):
        body: dict[str, object] = {}
        for fault, _ in faults[first:]:
            body = body | fault
        assert faults[first][1] in mirrored.put(MIRROR, body).json()["detail"]


def test_without_a_mirror_it_is_not_found(api: APIClient, repository: Repository) -> None:
    response = api.put(MIRROR, {})
    assert (response.status_code, response.json()["error_type"]) == (404, "not_found")


def test_a_past_start_makes_an_enabled_mirror_due(mirrored: APIClient) -> None:
    mirrored.put(MIRROR, {"sync_start_date": "2020-01-01T00:00:00Z"})
    mirror = Mirror.objects.get()
    assert mirror.next_sync_at == mirror.starts_at
    assert mirrored.get(MIRROR).json()["sync_start_date"] == "2020-01-01T00:00:00Z"
