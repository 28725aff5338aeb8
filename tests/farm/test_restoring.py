"""A tag that a sync has deleted from a real registry comes back over the API, while somebody watches."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mirrors.sample.images import small_image
from tests.fixtures.farms import Farm, FarmMirror, Organization
from tests.fixtures.registries import DockerRegistry
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.farm


def progress(farm: Farm, mirror: FarmMirror) -> dict[str, Any]:
    answer: dict[str, Any] = farm.api("GET", f"repository/{mirror.full_name}/mirror/progress").json()
    return answer


def test_a_deleted_tag_is_restored_watched_and_kept(
    farm: Farm, remote_organization: Organization, docker_registry: DockerRegistry, target_registry: DockerRegistry
) -> None:
    docker_registry.push("team/restored", {"v1": small_image(1), "v2": small_image(2)})
    mirror = remote_organization.mirror(f"{docker_registry.address}/team/restored", tags="v*", is_enabled=False)
    mirror.sync()
    mirror.change(tag_patterns=["v2"])
    mirror.sync()
    assert target_registry.tags(mirror.full_name) == ["v2"]

    asked = farm.api("POST", f"repository/{mirror.full_name}/mirror/tags/v1/restore")
    assert asked.status_code == 202, asked.text
    events = farm.api("GET", f"repository/{mirror.full_name}/mirror/progress/events").text
    wait_until(lambda: not progress(farm, mirror)["is_active"], 60, farm.tails)

    sync = farm.api("GET", asked.headers["Location"].removeprefix("/api/v1/")).json()
    assert sync["status"] == "succeeded", sync
    assert target_registry.tags(mirror.full_name) == ["v1", "v2"]
    last = events.strip().split("\n\n")[-1]
    assert last.startswith("event: end")
    assert json.loads(last.partition("data: ")[2]) == {"reason": "idle"}

    mirror.sync()
    assert target_registry.tags(mirror.full_name) == ["v1", "v2"], "it is kept"
    verified = farm.api("POST", f"repository/{mirror.full_name}/mirror/verify").json()
    assert (verified["success"], verified["tags_found"], verified["tags_matching"]) == (True, 2, 1)

    assert farm.api("DELETE", f"repository/{mirror.full_name}/mirror").status_code == 204
    assert target_registry.tags(mirror.full_name) == ["v1", "v2"], "the content stays"
