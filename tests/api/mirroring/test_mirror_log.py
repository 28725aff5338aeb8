"""Every change of a mirror is in the audit log, in Quay's words and without secrets."""

from __future__ import annotations

from typing import Any

import pytest

from mirrors.models import LogEntry, Mirror, Robot
from tests.api.conftest import BODY, MIRROR, APIClient

KIND = "repo_mirror_config_changed"


def changes() -> list[tuple[str, Any]]:
    entries = LogEntry.objects.filter(kind=KIND).order_by("pk")
    return [(entry.metadata["changed"], entry.metadata["to"]) for entry in entries]


def test_setting_up_is_logged_with_the_source(mirrored: APIClient) -> None:
    assert changes() == [("external_reference", BODY["external_reference"])]
    entry = LogEntry.objects.get(kind=KIND)
    assert (entry.metadata["repo"], entry.metadata["namespace"]) == ("app", "acme")
    assert (entry.performer_name, entry.ip) == ("owner", "127.0.0.1")
    assert entry.metadata["username"] == "owner"


@pytest.mark.parametrize(
    ("body", "changed", "to"),
    [
        ({"is_enabled": False}, "is_enabled", False),
        ({"external_reference": "registry.example.com/b/c"}, "external_reference", "registry.example.com/b/c"),
        ({"robot_username": "acme+other"}, "robot_username", "acme+other"),
        ({"sync_start_date": "2030-01-01T00:00:00Z"}, "sync_start_date", "2030-01-01T00:00:00Z"),
        ({"sync_interval": 77}, "sync_interval", 77),
        ({"skopeo_timeout_interval": 900}, "skopeo_timeout_interval", 900),
        ({"architecture_filter": ["s390x"]}, "architecture_filter", ["s390x"]),
        ({"external_registry_username": "other"}, "external_registry_username", "other"),
        ({"external_registry_config": {"unsigned_images": True}}, "unsigned_images", True),
        ({"external_registry_config": {"proxy": {"no_proxy": None}}}, "no_proxy", None),
        (
            {"external_registry_config": {"proxy": {"https_proxy": "http://me:proxy-pw-6Ks1@proxy:1"}}},
            "https_proxy",
            "http://me:********@proxy:1",
        ),
        ({"root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["v2"]}}, "mirror_rule", ["v2"]),
        ({"index_mode": "rewritten"}, "index_mode", "rewritten"),
    ],
)
def test_each_changed_field_is_an_entry(
    mirrored: APIClient, robot: Robot, body: dict[str, Any], changed: str, to: Any
) -> None:
    Robot.objects.create(namespace=robot.namespace, name="other")
    assert mirrored.put(MIRROR, body).status_code == 201
    assert changes()[1:] == [(changed, to)]


def test_a_password_is_logged_as_stars_or_as_gone(mirrored: APIClient) -> None:
    credentials = {"external_registry_username": "reader", "external_registry_password": "next-password-4Yt6"}
    mirrored.put(MIRROR, credentials)
    mirrored.put(MIRROR, credentials | {"external_registry_password": None})
    assert changes()[1:] == [("external_registry_password", "********"), ("external_registry_password", None)]
    assert "next-password" not in str(list(LogEntry.objects.values()))


def test_a_password_that_was_forgotten_with_a_change_is_logged_beside_it(mirrored: APIClient) -> None:
    mirrored.put(MIRROR, {"external_registry_config": {"verify_tls": False}})  # its proxies could read it from now on
    assert changes()[1:] == [("verify_tls", False), ("external_registry_password", None)]


def test_what_stays_as_it_was_is_not_logged(mirrored: APIClient) -> None:
    mirrored.put(MIRROR, mirrored.get(MIRROR).json())
    assert len(changes()) == 1


def test_a_refused_change_is_not_logged(mirrored: APIClient) -> None:
    mirrored.put(MIRROR, {"sync_interval": 77, "robot_username": "acme+nobody"})
    assert len(changes()) == 1


def test_both_commands_are_logged_as_quay_does(api: APIClient, mirror: Mirror, rung: list[int]) -> None:
    api.post(f"{MIRROR}/sync-now")
    api.post(f"{MIRROR}/sync-cancel")
    assert changes() == [("sync_status", "SYNC_NOW"), ("sync_status", "SYNC_CANCEL")]
