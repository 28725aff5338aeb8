"""POST …/mirror/verify: what is wrong with a connection, before anybody waits for a sync."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from mirrors.api.mirroring.verification import SEATS
from mirrors.models import LogEntry, Mirror, Registry, Repository
from mirrors.sample.images import small_image
from mirrors.services.mirroring import verification
from tests.api.conftest import BODY, MIRROR, APIClient
from tests.oci.certificates import certificate_for_loopback
from tests.registry import FaultyRegistry
from tests.registry.switches import Login

pytestmark = pytest.mark.django_db(transaction=True)
VERIFY = f"{MIRROR}/verify"
PASSWORD = "source-password-8Qx2"


@pytest.fixture
def source() -> Iterator[FaultyRegistry]:
    """A registry with three tags that wants a login."""
    with FaultyRegistry() as registry:
        registry.switches.login = Login(username="reader", password=PASSWORD)
        for number in (1, 2, 3):
            registry.repository("team/app").put(small_image(number), tag=f"v1.{number}")
        yield registry


@pytest.fixture
def mirror(source: FaultyRegistry, mirror: Mirror, store_dir: Path) -> Mirror:
    """A mirror of two of those tags, with the right credentials."""
    mirror.source_reference = f"{source.address}/team/app"
    mirror.source_username, mirror.source_password = "reader", PASSWORD
    mirror.verify_tls = False
    mirror.tag_patterns = ["v1.[12]"]
    mirror.save()
    return mirror


def verified(api: APIClient, body: Any = None) -> dict[str, Any]:
    response = api.send("POST", VERIFY, "", content_type="") if body is None else api.post(VERIFY, body)
    assert response.status_code == 200, response.content
    assert PASSWORD not in response.content.decode()
    answer: dict[str, Any] = response.json()
    return answer


def problem(answer: dict[str, Any]) -> tuple[str, str]:
    assert answer["success"] is False
    assert answer["message"] == answer["error"]["message"]
    return answer["error"]["code"], answer["error"]["side"]


def test_the_stored_mirror_is_tested_without_a_body(api: APIClient, mirror: Mirror, source: FaultyRegistry) -> None:
    source.switches.headers = {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600"}
    answer = verified(api)
    assert (answer["success"], answer["error"]) == (True, None)
    assert answer["message"] == f"{source.address}/team/app can be read: 3 tags."
    assert (answer["tags_found"], answer["tags_matching"], answer["tls"]) == (3, 2, "none")
    assert (answer["rate_limit"]["limit"], answer["rate_limit"]["remaining"]) == (100, 76)
    assert answer["target"] | {"duration_ms": 0} == {
        "success": True,
        "message": "The built-in store keeps it.",
        "error": None,
        "duration_ms": 0,
    }
    assert source.count("PUT") == source.count("PATCH") == 0


def test_a_configuration_is_tested_before_it_is_stored(
    api: APIClient, repository: Repository, source: FaultyRegistry, store_dir: Path
) -> None:
    body = BODY | {
        "external_reference": f"{source.address}/team/app",
        "external_registry_config": {"verify_tls": False},
        "root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["*"]},
        "robot_username": "acme+nobody",
    }
    answer = verified(api, body)
    assert (answer["success"], answer["tags_found"], answer["tags_matching"]) == (True, 3, 3)
    assert not Mirror.objects.exists()


def test_without_a_mirror_and_without_a_body_there_is_nothing_to_test(api: APIClient, repository: Repository) -> None:
    response = api.send("POST", VERIFY, "", content_type="")
    assert (response.status_code, response.json()["error_type"]) == (404, "not_found")
    assert "give the configuration that is to be tested" in response.json()["detail"]
    response = api.post(VERIFY, {"external_registry_username": "reader"})
    assert (response.status_code, response.json()["detail"]) == (400, "External registry reference is required")


def test_a_wrong_password_is_told_as_that(api: APIClient, mirror: Mirror) -> None:
    body = {"external_registry_username": "reader", "external_registry_password": "wrong-password-3Kd8"}
    answer = verified(api, body)
    assert problem(answer) == ("auth_failed", "source")
    assert "wrong-password-3Kd8" not in str(answer)
    assert Mirror.objects.get().source_password == PASSWORD


def test_an_unknown_repository_is_told_as_that(api: APIClient, mirror: Mirror, source: FaultyRegistry) -> None:
    answer = verified(api, {"external_reference": f"{source.address}/team/other"})
    assert problem(answer) == ("not_found", "source")
    assert "team/other" in answer["message"]


def test_a_certificate_that_nobody_knows_is_told_as_that(api: APIClient, mirror: Mirror, tmp_path: Path) -> None:
    server, _ = certificate_for_loopback(tmp_path)
    with FaultyRegistry(tls=server) as registry:
        registry.repository("team/app").put(small_image(1), tag="v1.1")
        body = {
            "external_reference": f"{registry.address}/team/app",
            "external_registry_config": {"verify_tls": True},
        }
        answer = verified(api, body)
        assert (problem(answer), answer["tls"]) == (("tls", "source"), None)
        body["external_registry_config"] = {"verify_tls": False}
        answer = verified(api, body)
        assert (answer["success"], answer["tls"]) == (True, "unverified")


def test_a_host_that_says_nothing_is_given_up_within_the_deadline(
    api: APIClient, mirror: Mirror, source: FaultyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verification.SECONDS < 10, "clients give up after ten"
    monkeypatch.setattr(verification, "SECONDS", 0.3)
    source.switches.swallow = True
    answer = verified(api)
    assert problem(answer) == ("timeout", "source")
    assert answer["message"] == f"{source.address} did not answer all that was asked within 0.3 seconds."
    assert answer["tags_found"] is None


def test_a_blocked_address_is_never_connected_to(
    api: APIClient, mirror: Mirror, source: FaultyRegistry, settings: Settings
) -> None:
    settings.SSRF_ALLOWED_HOSTS = []
    settings.EMBEDDED = False
    answer = verified(api)
    assert problem(answer) == ("blocked_source", "source")
    assert "SSRF_ALLOWED_HOSTS" in answer["message"]
    assert source.requests == []


def test_an_address_that_may_not_be_stored_may_not_be_tested(api: APIClient, mirror: Mirror) -> None:
    response = api.post(VERIFY, {"external_reference": "169.254.169.254/latest/meta-data"})
    assert (response.status_code, response.json()["detail"]) == (400, "The provided registry location is not allowed")


def test_a_redirect_to_another_host_gets_no_credentials(api: APIClient, mirror: Mirror, source: FaultyRegistry) -> None:
    with FaultyRegistry() as other:
        location = {"Location": f"{other.url}/v2/team/app/tags/list"}
        source.fail("GET", "/tags/list", status=307, headers=location, after=1)  # the first brings the challenge
        other.repository("team/app").put(small_image(1), tag="v1.1")
        verified(api)
        assert other.requests, "it was followed"
        assert all("Authorization" not in request.headers for request in other.requests)


def test_a_redirect_to_a_blocked_host_is_not_followed(
    api: APIClient, mirror: Mirror, source: FaultyRegistry, settings: Settings
) -> None:
    settings.SSRF_ALLOWED_HOSTS = [source.address]
    settings.EMBEDDED = False
    with FaultyRegistry() as other:
        location = {"Location": f"{other.url}/v2/team/app/tags/list"}
        source.fail("GET", "/tags/list", status=307, headers=location, times=9)
        assert problem(verified(api))[0] == "blocked_source"
        assert other.requests == []


@pytest.mark.parametrize("change", ["host", "user name", "proxy"])
def test_the_stored_password_goes_to_nobody_else(
    api: APIClient, mirror: Mirror, source: FaultyRegistry, change: str
) -> None:
    with FaultyRegistry() as other:
        other.switches.login = Login(scheme="basic", username="reader", password=PASSWORD)
        other.repository("team/app").put(small_image(1), tag="v1.1")
        body: dict[str, Any] = {
            "host": {"external_reference": f"{other.address}/team/app"},
            "user name": {"external_registry_username": "somebody"},
            "proxy": {"external_registry_config": {"proxy": {"http_proxy": f"http://{other.address}"}}},
        }[change]
        assert verified(api, body)["success"] is False
        secrets = [request.headers.get("Authorization", "") for request in other.requests + source.requests]
        assert not any(secret.startswith("Basic") and "c29tZWJvZHk6" not in secret for secret in secrets)


def test_another_path_at_the_same_host_is_tested_with_the_stored_password(
    api: APIClient, mirror: Mirror, source: FaultyRegistry
) -> None:
    source.repository("team/second").put(small_image(1), tag="v1.1")
    assert verified(api, {"external_reference": f"{source.address}/team/second"})["success"] is True


def test_the_target_is_tested_too(api: APIClient, mirror: Mirror, source: FaultyRegistry) -> None:
    with FaultyRegistry() as target:
        target.switches.login = Login(username="writer", password="target-password-2Wm5")
        registry = Registry(name="t", address=target.address, verify_tls=False)
        registry.username, registry.password = "writer", "target-password-2Wm5"
        registry.save()
        namespace = mirror.repository.namespace
        namespace.target_registry = registry
        namespace.save()
        answer = verified(api)
        assert (answer["success"], answer["target"]["success"]) == (True, True)
        assert answer["target"]["message"].endswith("accepts the credentials. Nothing was written.")
        assert "acme/app" not in target.repositories

        target.switches.login.password = "changed"
        answer = verified(api)
        assert (answer["tags_found"], problem(answer)) == (3, ("auth_failed", "target"))
        assert answer["target"]["error"] == answer["error"]


def test_credentials_that_cannot_be_decrypted_are_told_as_that(api: APIClient, mirror: Mirror) -> None:
    Mirror.objects.update(source_username_ciphertext="gAAAAABmnot-ours")
    assert problem(verified(api)) == ("decryption", "source")


def test_a_repository_without_tags_can_be_read(api: APIClient, mirror: Mirror, source: FaultyRegistry) -> None:
    source.repository("team/app").tags.clear()
    answer = verified(api)
    assert (answer["success"], answer["tags_found"], answer["message"][-7:]) == (True, 0, "0 tags.")


def test_a_test_leaves_a_trace_without_secrets(api: APIClient, mirror: Mirror) -> None:
    verified(api)
    verified(api, {"external_registry_username": "reader", "external_registry_password": "wrong-password-3Kd8"})
    good, bad = LogEntry.objects.filter(repository__isnull=False).order_by("pk")
    assert (good.kind, bad.kind) == ("repo_mirror_sync_test_success", "repo_mirror_sync_test_failed")
    assert good.metadata["external_reference"] == mirror.source_reference
    assert "wrong-password" not in str(bad.metadata)


def test_only_administrators_may_test(
    stranger_api: APIClient, member_api: APIClient, anonymous_api: APIClient, mirror: Mirror, source: FaultyRegistry
) -> None:
    assert stranger_api.post(VERIFY, {}).status_code == 403
    assert member_api.post(VERIFY, {}).status_code == 403
    assert anonymous_api.post(VERIFY, {}).status_code in (401, 403)
    assert source.requests == []


def test_no_more_tests_at_once_than_leave_threads_for_others(api: APIClient, mirror: Mirror) -> None:
    for _ in range(SEATS.most):
        SEATS.take()
    try:
        response = api.post(VERIFY, {})
        assert (response.status_code, response["Retry-After"]) == (503, "8")
        assert response.json()["error_type"] == "busy"
    finally:
        for _ in range(SEATS.most):
            SEATS.give_back()
    assert api.post(VERIFY, {}).status_code == 200
