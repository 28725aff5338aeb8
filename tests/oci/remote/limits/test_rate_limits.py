from __future__ import annotations

import json

import pytest
from multidict import CIMultiDict

from mirrors.oci import Credentials, LimitKind, RateLimit, RateLimited, RemoteRepository, Side
from mirrors.oci.remote.limits.rate_limits import limit_kind, rate_limited, read_rate_limit
from mirrors.sample.images import small_image
from tests.registry import PULL_LIMIT, FaultyRegistry
from tests.registry.switches import Login

HUB = "https://www.docker.com/increase-rate-limit"


def body(message: str, code: str = "TOOMANYREQUESTS") -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


@pytest.mark.parametrize(
    ("headers", "content", "kind"),
    [
        ({}, body(f"You have reached your pull rate limit. You may increase it: {HUB}"), LimitKind.PULLS),
        ({}, body(f"You have reached your unauthenticated pull rate limit. {HUB}"), LimitKind.PULLS),
        ({"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600"}, b"", LimitKind.PULLS),
        ({"X-RateLimit-Limit": "180", "X-RateLimit-Remaining": "0"}, b'{"detail":"Rate limit exceeded"}', "unknown"),
        ({"ratelimit-limit": "9;w=1", "ratelimit-remaining": "0"}, b"", LimitKind.UNKNOWN),
        ({}, b"Too Many Requests\n", LimitKind.ABUSE),
        ({}, b"Too Many Requests (HAP429).", LimitKind.ABUSE),
        ({}, body("blocked for abuse"), LimitKind.ABUSE),
        ({}, b'{"message":"You have exceeded a secondary rate limit."}', LimitKind.SECONDARY),
        ({}, body("Quota exceeded for quota metric 'Requests per project per region'"), LimitKind.QUOTA),
        ({}, body("Rate exceeded"), LimitKind.UNKNOWN),
        ({}, b"<html><title>429 Too Many Requests</title></html>", LimitKind.UNKNOWN),
        ({}, b"\xff\xfe", LimitKind.UNKNOWN),
        ({}, b"", LimitKind.UNKNOWN),
    ],
)
def test_a_429_is_told_from_the_others_by_its_body_and_headers(
    headers: dict[str, str], content: bytes, kind: str
) -> None:
    assert limit_kind(CIMultiDict(headers), content) == kind


@pytest.mark.parametrize("content", [body(HUB + " increase-rate-limit"), b"Too Many Requests", b"secondary rate limit"])
@pytest.mark.parametrize("with_credentials", [True, False])
def test_the_sentence_says_what_to_do_and_repeats_nothing(content: bytes, with_credentials: bool) -> None:
    error = rate_limited(
        {}, content, host="hub.example", side=Side.SOURCE, suffix="", with_credentials=with_credentials
    )
    assert str(error).startswith("hub.example ")
    assert "Wait" in str(error)
    assert "http" not in str(error)
    assert ("log in" in str(error)) == (error.limit is LimitKind.PULLS and not with_credentials)


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        (
            {
                "RateLimit-Limit": "100;w=21600",
                "RateLimit-Remaining": "76;w=21600",
                "Docker-RateLimit-Source": "1.2.3.4",
            },
            RateLimit(100, 76, 21600, "1.2.3.4"),
        ),
        ({"X-RateLimit-Limit": "180", "X-RateLimit-Remaining": "3"}, RateLimit(180, 3)),
        ({"RateLimit-Limit": '10, 10;window=60;comment="x"', "RateLimit-Remaining": "9"}, RateLimit(10, 9, 60)),
        ({"RateLimit-Remaining": "9"}, RateLimit(None, 9)),
        ({"RateLimit-Remaining": "soon"}, None),
        ({"RateLimit-Limit": "9"}, None),
    ],
)
def test_what_is_left_is_read_from_either_kind_of_header(headers: dict[str, str], limit: RateLimit | None) -> None:
    assert read_rate_limit(headers) == limit


async def test_the_newest_limit_is_there_to_be_shown(source_registry: FaultyRegistry, source: RemoteRepository) -> None:
    source_registry.repository("library/app").put(small_image(), tag="v1")
    assert source._client.rate_limit is None
    for left in ("12;w=21600", "11;w=21600"):
        source_registry.switches.headers = {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": left}
        await source.resolve("v1")
    source_registry.switches.headers = {}
    await source.list_tags()
    assert source._client.rate_limit == RateLimit(100, 11, 21600)


async def test_a_used_up_pull_limit_is_asked_once_and_stops_no_heads(
    source_registry: FaultyRegistry, source: RemoteRepository
) -> None:
    source_registry.repository("library/app").put(small_image(), tag="v1")
    source_registry.fail("GET", "/manifests/", **PULL_LIMIT, times=9)
    # 120 first pauses are how long it stays so, if the registry does not say.
    source._client._persistently.first_pause = 60
    for _ in range(3):
        with pytest.raises(RateLimited, match="no more pulls") as caught:
            await source.fetch_manifest("v1")
        assert caught.value.limit is LimitKind.PULLS
    assert source_registry.count("GET", "/manifests/") == 1
    assert await source.resolve("v1")


async def test_a_pull_limit_that_ends_soon_is_waited_for(
    source_registry: FaultyRegistry, source: RemoteRepository
) -> None:
    source_registry.repository("library/app").put(small_image(), tag="v1")
    limit = {**PULL_LIMIT, "headers": {"Retry-After": "20ms"}}
    source_registry.fail("GET", "/manifests/", **limit, times=2)
    assert await source.fetch_manifest("v1")
    assert source_registry.count("GET", "/manifests/") == 3


async def test_a_pull_limit_with_an_account_is_told_otherwise(source_registry: FaultyRegistry, open_repository) -> None:
    source_registry.switches.login = Login()
    source_registry.fail("GET", "/manifests/", **PULL_LIMIT)
    repository = await open_repository(source_registry.address, credentials=Credentials("user", "password"))
    with pytest.raises(RateLimited, match="use an account that may pull more"):
        await repository.fetch_manifest("v1")


async def test_a_limit_that_comes_as_a_403_is_no_wrong_password(source_registry: FaultyRegistry, source) -> None:
    secondary = b'{"message":"You have exceeded a secondary rate limit."}'
    source_registry.fail("GET", "/tags/", status=403, headers={"Retry-After": "0"}, body=secondary)
    assert await source.list_tags() == []
    assert source_registry.count("GET", "/tags/") == 2


async def test_the_limit_of_the_storage_is_not_the_registrys(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, source
) -> None:
    image = small_image()
    source_registry.repository("library/app").put(image, tag="v1")
    target_registry.repository("storage").blobs.update(image.all_blobs())
    target_registry.switches.headers = {"X-RateLimit-Remaining": "3"}
    source_registry.switches.blob_redirect = target_registry.url
    blob = next(iter(image.manifest.blobs()))
    _ = [chunk async for chunk in source.open_blob(blob)]
    assert source._client.rate_limit is None
