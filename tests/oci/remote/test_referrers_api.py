"""The list of referrers, asked of registries that have the API, have it not, or answer something else."""

from __future__ import annotations

import asyncio

import pytest

from mirrors.oci import OCIError, RemoteRepository
from mirrors.oci.remote import referrers as api
from mirrors.sample.images import small_image
from tests.oci.artifacts import put_fallback, referrer
from tests.registry import FaultyRegistry

IMAGE = small_image()


@pytest.fixture
def digests(source_registry: FaultyRegistry) -> set[str]:
    """The digests of three referrers at the source."""
    held = source_registry.repository("library/app")
    held.put(IMAGE, tag="v1")
    referrers = [referrer(IMAGE, seed=number) for number in range(3)]
    for each in referrers:
        held.put(each)
    return {each.manifest.digest for each in referrers}


@pytest.mark.parametrize("page_size", [None, 1, 2])
async def test_all_pages_are_read(
    source_registry: FaultyRegistry, source: RemoteRepository, digests: set[str], page_size: int | None
) -> None:
    source_registry.switches.referrers_page_size = page_size
    listed = await source.list_referrers(IMAGE.manifest.digest)
    assert {each.digest for each in listed} == digests
    assert {each.artifact_type for each in listed} == {"application/vnd.example.signature"}


@pytest.mark.parametrize("api", ["404", "405", "403", "400", "501", "html"])
async def test_that_there_is_no_api_is_found_out_once_however_many_ask(
    source_registry: FaultyRegistry, source: RemoteRepository, digests: set[str], api: str
) -> None:
    source_registry.switches.referrers = api
    asked = [source.list_referrers(digest, fallback=False) for digest in [IMAGE.manifest.digest, *digests]]
    assert await asyncio.gather(*asked) == [[]] * 4
    assert source_registry.count("GET", "/referrers/") == 1
    assert source_registry.count("GET", "/manifests/") == 0


async def test_without_the_api_the_fallback_tag_is_read(
    source_registry: FaultyRegistry, source: RemoteRepository, digests: set[str]
) -> None:
    source_registry.switches.referrers = "404"
    put_fallback(source_registry.repository("library/app"), IMAGE, *(referrer(IMAGE, seed=n) for n in range(3)))
    assert {each.digest for each in await source.list_referrers(IMAGE.manifest.digest)} == digests
    assert await source.list_referrers(next(iter(digests))) == []


async def test_an_api_that_has_answered_may_refuse_one_digest(
    source_registry: FaultyRegistry, source: RemoteRepository, digests: set[str]
) -> None:
    await source.list_referrers(IMAGE.manifest.digest)
    source_registry.fail("GET", "/referrers/", status=404)
    assert await source.list_referrers(next(iter(digests)), fallback=False) == []
    assert len(await source.list_referrers(IMAGE.manifest.digest)) == 3


async def test_a_list_that_breaks_off_is_a_fault_and_not_a_short_list(
    source_registry: FaultyRegistry, source: RemoteRepository, digests: set[str]
) -> None:
    source_registry.switches.referrers_page_size = 1
    source_registry.fail("GET", "/referrers/", status=404, after=1, times=9)
    with pytest.raises(OCIError):
        await source.list_referrers(IMAGE.manifest.digest)


async def test_a_list_without_end_is_refused(
    source_registry: FaultyRegistry, source: RemoteRepository, digests: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_MOST_REFERRERS", 1)
    source_registry.switches.referrers_page_size = 1
    with pytest.raises(OCIError, match="lists more than 1 referrers"):
        await source.list_referrers(IMAGE.manifest.digest)


async def test_a_list_that_leads_back_to_itself_ends(
    source_registry: FaultyRegistry, source: RemoteRepository, digests: set[str]
) -> None:
    path = f"/v2/library/app/referrers/{IMAGE.manifest.digest}"
    source_registry.switches.headers = {"Link": f'<{path}>; rel="next"'}
    assert len(await source.list_referrers(IMAGE.manifest.digest)) == 3
    assert source_registry.count("GET", "/referrers/") == 1
