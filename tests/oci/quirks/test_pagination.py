"""Rule 5: lists of tags, however they are paged, and whatever stands in them."""

from __future__ import annotations

import pytest

from tests.registry import FaultyRegistry, StoredTags

TAGS = [f"v{number:03}" for number in range(11)]


@pytest.fixture
def tags(app: StoredTags) -> list[str]:
    """Eleven tags at the source."""
    app.tags = dict.fromkeys(TAGS, "sha256:" + "0" * 64)
    return TAGS


@pytest.mark.parametrize("link", ["relative", "absolute", "foreign", "scheme", "port", "prefix"])
async def test_every_page_is_read_from_the_registry_itself(
    source_registry: FaultyRegistry, tags: list[str], source, link: str
) -> None:
    source_registry.switches.tag_page_size, source_registry.switches.link = 3, link
    assert await source.list_tags() == tags
    assert source_registry.count("GET", "/tags/list") == 4


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
async def test_the_order_of_a_list_does_not_matter(
    source_registry: FaultyRegistry, tags: list[str], source, order: str
) -> None:
    source_registry.switches.tag_page_size, source_registry.switches.tag_order = 2, order
    assert await source.list_tags() == tags


async def test_a_page_that_is_gone_starts_the_list_again(
    source_registry: FaultyRegistry, tags: list[str], source
) -> None:
    source_registry.switches.tag_page_size = 3
    source_registry.fail("GET", "/tags/list", query="last=v005", status=404)
    assert await source.list_tags() == tags
    assert source_registry.count("GET", "/tags/list") == 3 + 4


async def test_a_null_instead_of_a_list_is_an_empty_one(
    source_registry: FaultyRegistry, app: StoredTags, source
) -> None:
    source_registry.switches.null_tags = True
    assert await source.list_tags() == []


async def test_null_empty_and_digest_like_tags_are_left_out_of_every_page(
    source_registry: FaultyRegistry, tags: list[str], source
) -> None:
    source_registry.switches.tag_page_size, source_registry.switches.odd_tags = 4, True
    assert await source.list_tags() == tags


@pytest.mark.parametrize(("largest", "status"), [(1000, 400), (100, 413)])
async def test_no_more_tags_are_asked_for_at_once_than_registries_give(
    source_registry: FaultyRegistry, tags: list[str], source, largest: int, status: int
) -> None:
    source_registry.switches.largest_page, source_registry.switches.page_refusal = largest, status
    source_registry.switches.tag_page_size = 5
    assert await source.list_tags() == tags
    assert all(int(request.query.get("n", 0)) <= 1000 for request in source_registry.requests)


async def test_a_short_page_with_a_link_is_not_the_last(
    source_registry: FaultyRegistry, tags: list[str], source
) -> None:
    source_registry.switches.tag_page_size = 1
    assert await source.list_tags() == tags
