"""Sources and targets that do not work end a sync with a sentence: which side, and what to do. Nothing is lost."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from mirrors.sample.images import small_image
from tests.fixtures.browsing import text_of
from tests.fixtures.farms import Farm, FarmMirror, Organization, in_profile
from tests.fixtures.registries import SOURCE_ACCOUNT, TARGET_ACCOUNT, DockerRegistry
from tests.fixtures.waiting import free_port, wait_until

pytestmark = [pytest.mark.farm, in_profile("farm")]


@pytest.fixture(scope="session")
def private_registry(make_docker_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    """A source that wants a login, with one repository."""
    registry = make_docker_registry(account=SOURCE_ACCOUNT)
    registry.push("team/app", {"v1": small_image(41), "v2": small_image(42)})
    return registry


@pytest.fixture
def mirror(remote_organization: Organization, private_registry: DockerRegistry) -> FarmMirror:
    """A mirror that works and has been synced."""
    mirror = remote_organization.mirror(
        f"{private_registry.address}/team/app",
        source_username=SOURCE_ACCOUNT.username,
        source_password=SOURCE_ACCOUNT.password,
    )
    sync = mirror.sync()
    assert (sync.status, sync.tags_copied) == ("succeeded", 2)
    return mirror


@pytest.fixture
def silent_address() -> Iterator[str]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_an_unknown_registry(farm: Farm, mirror: FarmMirror, target_registry: DockerRegistry) -> None:
    failed = first_failure(mirror, source_reference="nxdomain.invalid/team/app")

    assert (failed.error_code, failed.error_side) == ("dns", "source")
    assert_told_everywhere(farm, mirror, failed, "nxdomain.invalid", "source", "Check")
    assert target_registry.tags(mirror.full_name) == ["v1", "v2"]


def test_wrong_credentials(
    farm: Farm, mirror: FarmMirror, target_registry: DockerRegistry, private_registry: DockerRegistry
) -> None:
    failed = first_failure(mirror, source_username=SOURCE_ACCOUNT.username, source_password="wrong-password-6Hd3")

    assert (failed.error_code, failed.error_side) == ("auth_failed", "source")
    assert len(mirror.syncs()) == 2, "wrong credentials are not tried again: accounts get locked"
    assert_told_everywhere(farm, mirror, failed, private_registry.address, "source", "user name", "password")
    assert "wrong-password-6Hd3" not in "".join(farm.logs().values())
    assert target_registry.tags(mirror.full_name) == ["v1", "v2"]


def test_missing_credentials(mirror: FarmMirror, target_registry: DockerRegistry) -> None:
    failed = first_failure(mirror, source_username=None, source_password=None)

    assert (failed.error_code, failed.error_side) == ("auth_failed", "source")
    assert "source" in failed.message
    assert target_registry.tags(mirror.full_name) == ["v1", "v2"]


@pytest.mark.slow  # the engine waits ten seconds for a connection
def test_a_host_that_does_not_answer(
    farm: Farm, mirror: FarmMirror, target_registry: DockerRegistry, silent_address: str
) -> None:
    started = time.monotonic()
    failed = first_failure(mirror, source_reference=f"{silent_address}/team/app", verify_tls=True)

    assert time.monotonic() - started < 45
    assert (failed.error_code, failed.error_side) == ("timeout", "source")
    assert_told_everywhere(farm, mirror, failed, silent_address, "source", "Check")
    assert target_registry.tags(mirror.full_name) == ["v1", "v2"]


def test_a_sync_that_waits_for_a_silent_host_can_be_cancelled_within_five_seconds(
    mirror: FarmMirror, silent_address: str
) -> None:
    mirror.change(source_reference=f"{silent_address}/team/app")
    mirror.request()
    wait_until(lambda: mirror.syncs()[-1].status == "running")

    asked_at = time.monotonic()
    mirror.cancel()
    mirror.wait_for("cancelled")

    assert time.monotonic() - asked_at < 5


def test_a_registry_that_is_not_there(farm: Farm, mirror: FarmMirror, target_registry: DockerRegistry) -> None:
    address = f"127.0.0.1:{free_port()}"
    failed = first_failure(mirror, source_reference=f"{address}/team/app")

    assert (failed.error_code, failed.error_side) == ("connection", "source")
    assert_told_everywhere(farm, mirror, failed, address, "source", "Check")
    assert target_registry.tags(mirror.full_name) == ["v1", "v2"]


def test_a_repository_that_does_not_exist(
    farm: Farm, mirror: FarmMirror, target_registry: DockerRegistry, private_registry: DockerRegistry
) -> None:
    failed = first_failure(mirror, source_reference=f"{private_registry.address}/team/nothing")

    assert (failed.error_code, failed.error_side) == ("not_found", "source")
    assert len(mirror.syncs()) == 2, "it will not be there in a minute either"
    assert_told_everywhere(farm, mirror, failed, "team/nothing", private_registry.address, "Check")
    assert target_registry.tags(mirror.full_name) == ["v1", "v2"]


def test_a_pattern_that_matches_nothing(farm: Farm, mirror: FarmMirror, target_registry: DockerRegistry) -> None:
    mirror.change(tag_patterns=["release-*"])

    sync = mirror.sync()

    assert_told_everywhere(farm, mirror, sync, "No tags matched", "release-*", "Nothing was deleted")
    assert target_registry.tags(mirror.full_name) == ["v1", "v2"]


@pytest.mark.parametrize(
    ("registry", "code", "words"),
    [
        ({"username": TARGET_ACCOUNT.username, "password": "wrong-password-6Hd3"}, "auth_failed", ["user name"]),
        ({"address": "127.0.0.1:9"}, "connection", ["127.0.0.1:9", "Check"]),
        ({"address": "nxdomain.invalid"}, "dns", ["nxdomain.invalid", "Check"]),
    ],
    ids=["wrong credentials", "nothing there", "unknown host"],
)
def test_a_target_that_does_not_work_is_called_the_target(
    farm: Farm,
    target_registry: DockerRegistry,
    docker_registry: DockerRegistry,
    registry: dict[str, Any],
    code: str,
    words: list[str],
) -> None:
    docker_registry.push("bad/target", {"v1": small_image(43)})
    organization = farm.organization(registry={"address": target_registry.address} | registry)
    mirror = organization.mirror(f"{docker_registry.address}/bad/target")

    failed = first_failure(mirror)

    assert (failed.error_code, failed.error_side) == (code, "target")
    assert_told_everywhere(farm, mirror, failed, "target", *words)


def first_failure(mirror: FarmMirror, **changes: Any) -> SimpleNamespace:
    """Change the mirror and sync it; gives the first attempt that failed."""
    mirror.change(**changes)
    return mirror.first_failure()


def assert_told_everywhere(farm: Farm, mirror: FarmMirror, sync: SimpleNamespace, *words: str) -> None:
    """The sentence holds the words, and API, page and command line show it."""
    for word in words:
        assert word.lower() in sync.message.lower(), sync.message
    assert not any(noise in sync.message for noise in ("Traceback", "Error(", "Errno", "<")), sync.message
    answer = farm.api("GET", f"repository/{mirror.full_name}/mirror/syncs/{sync.id}")
    assert answer.json()["message"] == sync.message
    page = farm.visitor().get(f"/repository/{mirror.full_name}?tab=mirroring").text
    assert sync.message in text_of(page)
    shown = farm.manage("mirror", "show", mirror.full_name).stdout
    assert sync.message in shown
