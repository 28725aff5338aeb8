"""Rule 22: the names of Docker Hub, and how long and deep names may be."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, Endpoint, InvalidReference, Reference, copy_tags
from mirrors.sample.images import small_image
from tests.registry import FaultyRegistry


@pytest.mark.parametrize("name", ["docker.io", "index.docker.io", "registry-1.docker.io"])
def test_all_names_of_docker_hub_are_one_registry(name: str) -> None:
    reference = Reference.parse(f"{name}/busybox:1")
    assert (reference.registry, reference.repository) == ("docker.io", "library/busybox")
    assert Endpoint(reference.registry).api_host == "registry-1.docker.io"


async def test_a_deep_and_long_name_and_the_longest_tag_are_copied(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, open_repository
) -> None:
    name, tag = "/".join(["a" * 15] * 15), "v" + "x" * 127
    source_registry.repository(name).put(small_image(), tag=tag)
    source = await open_repository(source_registry.address, name)
    target = await open_repository(target_registry.address, name)
    (outcome,) = await copy_tags(source, target, [tag])
    assert outcome.action is Action.COPIED
    assert tag in target_registry.repository(name).tags


@pytest.mark.parametrize("name", ["Library/app", "a" * 256, "a//b", "a/../b", "a/-b", ""])
async def test_a_name_that_no_registry_takes_is_refused_before_it_is_asked_for(
    source_registry: FaultyRegistry, open_repository, name: str
) -> None:
    with pytest.raises(InvalidReference):
        await open_repository(source_registry.address, name)
    assert source_registry.count() == 0
