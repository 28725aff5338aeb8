"""Two people with one mirror: If-Match for those who ask for it, column by column for the others."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.db import connection

from mirrors.models import Mirror, Sync, User
from mirrors.services.accounts import access_tokens
from tests.api.conftest import BODY, MIRROR, APIClient


def put(api: APIClient, body: dict[str, Any], *, if_match: str = "") -> int:
    headers = {"If-Match": if_match} if if_match else {}
    return api.send("PUT", MIRROR, json.dumps(body), headers=headers).status_code


def test_a_change_of_the_version_that_was_read_is_made(mirrored: APIClient) -> None:
    version = mirrored.get(MIRROR)["ETag"]
    assert put(mirrored, {"sync_interval": 77}, if_match=version) == 201
    assert mirrored.get(MIRROR).json()["sync_interval"] == 77


def test_each_change_makes_another_version_and_says_which(mirrored: APIClient) -> None:
    first = mirrored.get(MIRROR)["ETag"]
    response = mirrored.put(MIRROR, {"sync_interval": 77})
    second = mirrored.get(MIRROR)["ETag"]
    assert response["ETag"] == second != first


def test_a_change_of_an_older_version_is_refused_and_changes_nothing(mirrored: APIClient) -> None:
    version = mirrored.get(MIRROR)["ETag"]
    mirrored.put(MIRROR, {"sync_interval": 77})
    response = mirrored.send(
        "PUT", MIRROR, json.dumps({"sync_interval": 88, "is_enabled": False}), headers={"If-Match": version}
    )
    assert response.status_code == 412
    body = response.json()
    assert (body["error_type"], body["status"]) == ("precondition_failed", 412)
    assert "Somebody has changed the mirror of acme/app since you read it" in body["message"]
    stored = mirrored.get(MIRROR).json()
    assert (stored["sync_interval"], stored["is_enabled"]) == (77, True)


@pytest.mark.parametrize(
    ("form", "status"), [("{}", 201), ('"x", {}', 201), ("*", 201), ("W/{}", 412), ('"x"', 412), ("x", 412)]
)
def test_if_match_is_read_as_http_says(mirrored: APIClient, form: str, status: int) -> None:
    version = mirrored.get(MIRROR)["ETag"]
    assert put(mirrored, {}, if_match=form.format(version)) == status


def test_a_new_password_is_a_new_version_too(mirrored: APIClient) -> None:
    version = mirrored.get(MIRROR)["ETag"]
    mirrored.put(MIRROR, {"external_registry_username": "reader", "external_registry_password": "next-password-4Yt6"})
    assert put(mirrored, {"sync_interval": 77}, if_match=version) == 412


def test_what_syncs_do_is_no_change_of_the_configuration(mirrored: APIClient, rung: list[int]) -> None:
    version = mirrored.get(MIRROR)["ETag"]
    mirrored.post(f"{MIRROR}/sync-now")
    mirrored.post(f"{MIRROR}/sync-cancel")
    assert Sync.objects.exists()
    assert mirrored.get(MIRROR)["ETag"] == version


def test_the_version_of_a_mirror_set_up_anew_is_another(mirrored: APIClient) -> None:
    version = mirrored.get(MIRROR)["ETag"]
    mirrored.send("DELETE", MIRROR)
    assert mirrored.post(MIRROR, BODY).status_code == 201
    assert put(mirrored, {}, if_match=version) == 412


def test_an_older_version_is_not_deleted(mirrored: APIClient) -> None:
    version = mirrored.get(MIRROR)["ETag"]
    mirrored.put(MIRROR, {"sync_interval": 77})
    assert mirrored.send("DELETE", MIRROR, headers={"If-Match": version}).status_code == 412
    assert Mirror.objects.exists()
    assert mirrored.send("DELETE", MIRROR, headers={"If-Match": mirrored.get(MIRROR)["ETag"]}).status_code == 204


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    """On the real database, each in a thread and a connection of its own."""

    @staticmethod
    def at_once(owner: User, requests: list[tuple[dict[str, Any], str]]) -> list[int]:
        _, token = access_tokens.issue_token(owner, name="test", scopes=["repo:admin"])
        statuses: list[int] = []
        barrier = threading.Barrier(len(requests))

        def send(body: dict[str, Any], if_match: str) -> None:
            try:
                barrier.wait()
                statuses.append(put(APIClient(token), body, if_match=if_match))
            finally:
                connection.close()

        threads = [threading.Thread(target=send, args=request) for request in requests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(statuses)

    def test_changes_of_different_fields_all_survive(self, mirrored: APIClient, owner: User) -> None:
        bodies: list[dict[str, Any]] = [
            {"sync_interval": 77},
            {"root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["v9"]}},
            {"external_registry_config": {"proxy": {"no_proxy": "example.com"}}},
            {"external_registry_config": {"verify_tls": False}},
            {"skopeo_timeout_interval": 900},
        ]
        assert self.at_once(owner, [(body, "") for body in bodies]) == [201] * len(bodies)
        stored = mirrored.get(MIRROR).json()
        assert (stored["sync_interval"], stored["skopeo_timeout_interval"]) == (77, 900)
        assert stored["root_rule"]["rule_value"] == ["v9"]
        config = stored["external_registry_config"]
        assert (config["verify_tls"], config["proxy"]["no_proxy"]) == (False, "example.com")

    def test_first_keys_of_an_empty_configuration_all_survive(
        self, mirror: Mirror, api: APIClient, owner: User
    ) -> None:
        configs: list[dict[str, Any]] = [
            {"verify_tls": True},
            {"unsigned_images": False},
            {"proxy": {"no_proxy": None}},
        ]
        self.at_once(owner, [({"external_registry_config": config}, "") for config in configs])
        assert api.get(MIRROR).json()["external_registry_config"] == {
            "verify_tls": True,
            "unsigned_images": False,
            "proxy": {"no_proxy": None},
        }

    def test_of_those_who_read_the_same_version_one_gets_through(self, mirrored: APIClient, owner: User) -> None:
        version = mirrored.get(MIRROR)["ETag"]
        requests = [({"sync_interval": 100 + number}, version) for number in range(4)]
        assert self.at_once(owner, requests) == [201, 412, 412, 412]
