"""external_registry_config comes back as it was sent; and a stored password is shown to nobody new."""

from __future__ import annotations

from typing import Any

import pytest

from mirrors.models import Mirror, Repository, Robot
from mirrors.services.mirroring import mirrors
from tests.api.conftest import BODY, MIRROR, APIClient

PASSWORD = BODY["external_registry_password"]


def shown(api: APIClient) -> dict[str, Any]:
    config: dict[str, Any] = api.get(MIRROR).json()["external_registry_config"]
    return config


CONFIGS: list[dict[str, Any]] = [
    {},
    {"verify_tls": True},
    {"verify_tls": False, "unsigned_images": True},
    {"proxy": {}},
    {"proxy": {"http_proxy": None, "https_proxy": None, "no_proxy": None}},
    {"verify_tls": True, "proxy": {"https_proxy": "http://proxy:1"}},
    {"proxy": {"http_proxy": "", "no_proxy": ""}},
    {"proxy": {"http_proxy": "value; $(rm -rf /) && `id`", "no_proxy": None}},
]


@pytest.mark.parametrize("config", CONFIGS)
def test_what_was_posted_comes_back(
    api: APIClient, repository: Repository, robot: Robot, config: dict[str, Any]
) -> None:
    assert api.post(MIRROR, BODY | {"external_registry_config": config}).status_code == 201
    assert shown(api) == config


@pytest.mark.parametrize("config", CONFIGS)
def test_what_is_put_comes_back_and_putting_it_again_changes_nothing(
    api: APIClient, mirror: Mirror, config: dict[str, Any]
) -> None:
    for _ in range(2):
        assert api.put(MIRROR, {"external_registry_config": config}).status_code == 201
        assert shown(api) == config


def test_keys_are_added_one_by_one_and_never_lost(api: APIClient, mirror: Mirror) -> None:
    api.put(MIRROR, {"external_registry_config": {"proxy": {"no_proxy": "localhost"}}})
    api.put(MIRROR, {"external_registry_config": {"proxy": {"http_proxy": None}}})
    api.put(MIRROR, {"external_registry_config": {"verify_tls": True}})
    api.put(MIRROR, {"external_registry_config": {"proxy": {"no_proxy": None}}})
    assert shown(api) == {"verify_tls": True, "proxy": {"http_proxy": None, "no_proxy": None}}


def test_what_was_set_elsewhere_is_shown_too(api: APIClient, mirror: Mirror) -> None:
    mirrors.change_mirror(mirror, {"verify_tls": True, "http_proxy": "http://proxy:1", "no_proxy": None})
    assert shown(api) == {"verify_tls": True, "proxy": {"http_proxy": "http://proxy:1"}}


def test_proxies_are_encrypted_at_rest(api: APIClient, mirror: Mirror) -> None:
    secret = "http://user:proxy-password-9Lm3@proxy:3128"
    api.put(MIRROR, {"external_registry_config": {"proxy": {"http_proxy": secret}}})
    assert "proxy-password" not in str(Mirror.objects.values().get())


STAYS: list[dict[str, Any]] = [
    {"external_reference": "registry.example.com/another/path"},
    {"external_reference": "REGISTRY.example.com/team/app"},
    {"external_registry_config": {"verify_tls": True, "proxy": {"http_proxy": "http://other:1"}}},
    {"external_registry_config": {"proxy": {"no_proxy": "example.com"}}},
    {"external_registry_username": "another"},
    {"sync_interval": 77},
]
GOES: list[dict[str, Any]] = [
    {"external_reference": "evil.example.com/team/app"},
    {"external_reference": "registry.example.com:8443/team/app"},
    {"external_registry_config": {"verify_tls": False}},  # with the proxies that are set
    {"external_registry_config": {"verify_tls": False, "proxy": {"https_proxy": "http://evil:1"}}},
]


@pytest.mark.parametrize("body", STAYS)
def test_the_stored_password_stays_for_those_who_see_it_already(mirrored: APIClient, body: dict[str, Any]) -> None:
    assert mirrored.put(MIRROR, body).status_code == 201
    assert Mirror.objects.get().source_password == PASSWORD


@pytest.mark.parametrize("body", GOES)
def test_the_stored_password_is_forgotten_before_anybody_else_sees_it(
    mirrored: APIClient, body: dict[str, Any]
) -> None:
    assert mirrored.put(MIRROR, body).status_code == 201
    stored = Mirror.objects.get()
    assert (stored.source_username, stored.source_password) == ("reader", None)


@pytest.mark.parametrize("body", GOES)
def test_a_password_that_comes_with_the_change_is_taken(mirrored: APIClient, body: dict[str, Any]) -> None:
    credentials = {"external_registry_username": "reader", "external_registry_password": "next-password-4Yt6"}
    assert mirrored.put(MIRROR, body | credentials).status_code == 201
    assert Mirror.objects.get().source_password == "next-password-4Yt6"


def test_switching_verification_off_without_proxies_keeps_the_password(
    api: APIClient, repository: Repository, robot: Robot
) -> None:
    api.post(MIRROR, BODY | {"external_registry_config": {"verify_tls": True}})
    api.put(MIRROR, {"external_registry_config": {"verify_tls": False}})
    assert Mirror.objects.get().source_password == PASSWORD
