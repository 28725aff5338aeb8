"""A preview asked for over the API is worked out by a worker, against a remote target, and nothing is copied."""

from __future__ import annotations

from typing import Any

import pytest

from mirrors.sample.images import small_image
from tests.fixtures.farms import Farm, FarmMirror, Organization
from tests.fixtures.registries import DockerRegistry
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.farm


def previewed(farm: Farm, mirror: FarmMirror, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The answer, once there is one."""
    asked = farm.api("POST", f"repository/{mirror.full_name}/mirror/preview", **({"json": body} if body else {}))
    assert asked.status_code == 202, asked.text

    def answer() -> dict[str, Any] | None:
        told = farm.api("GET", asked.headers["Location"].removeprefix("/api/v1/")).json()
        return told if told["status"] not in ("queued", "running") else None

    found: dict[str, Any] = wait_until(answer, 60, farm.tails)
    assert found["status"] == "succeeded", found
    return found["result"]  # type: ignore[no-any-return]


def test_a_preview_tells_what_a_sync_then_does(
    farm: Farm, remote_organization: Organization, docker_registry: DockerRegistry, target_registry: DockerRegistry
) -> None:
    docker_registry.push("team/previewed", {"v1": small_image(1), "v2": small_image(2)})
    mirror = remote_organization.mirror(f"{docker_registry.address}/team/previewed", tags="v*", is_enabled=False)

    before = previewed(farm, mirror)
    assert before["counts"]["copied"] == 2
    assert before["is_complete"]
    sync = mirror.sync()
    assert sync.bytes_copied == before["bytes"]["to_copy"]

    after = previewed(farm, mirror)
    assert (after["counts"]["unchanged"], after["bytes"]["to_copy"]) == (2, 0)
    changed = previewed(farm, mirror, {"root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["v1"]}})
    assert (changed["counts"]["unchanged"], changed["counts"]["deleted"]) == (1, 1)
    assert target_registry.tags(mirror.full_name) == ["v1", "v2"]
