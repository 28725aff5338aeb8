"""Rule 23: the `ns` of pull-through proxies is for those that were declared as such, and nobody was."""

from __future__ import annotations

from mirrors.sample.images import small_index
from tests.oci.quirks.conftest import Mirror
from tests.registry import FaultyRegistry, StoredTags


async def test_nobody_is_told_by_which_name_a_registry_is_called(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, app: StoredTags, mirror: Mirror, source
) -> None:
    app.put(small_index(), tag="v1")
    await source.list_tags()
    await mirror()
    assert not [request for request in source_registry.requests + target_registry.requests if "ns" in request.query]
