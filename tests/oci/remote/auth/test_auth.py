from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from multidict import CIMultiDict
from yarl import URL

from mirrors.oci import AuthFailed, Credentials, Endpoint, MalformedAnswer, RegistryClient, RegistryFault, Side
from mirrors.oci.content import in_memory
from mirrors.oci.images.manifest import Descriptor, sha256_digest
from mirrors.oci.remote.auth.tokens import TokenRequest
from mirrors.sample.images import small_image
from tests.registry import FaultyRegistry
from tests.registry.switches import Login

RIGHT = Credentials("user", "password")


@pytest.mark.parametrize("token_member", ["token", "access_token"])
async def test_one_token_serves_every_request_of_a_scope(
    source_registry: FaultyRegistry, open_repository, token_member: str
) -> None:
    source_registry.switches.login = Login(token_member=token_member)
    source_registry.repository("library/app").put(small_image(), tag="v1")
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    await asyncio.gather(*(repository.resolve("v1") for _ in range(12)))
    await repository.fetch_manifest("v1")
    (request,) = source_registry.seen("GET", "/token")
    assert request.query == {"kept": "yes", "service": "tests", "scope": "repository:library/app:pull"}


async def test_a_token_is_renewed_before_it_expires(source_registry: FaultyRegistry, open_repository) -> None:
    source_registry.switches.login = Login(expires_in=1)
    source_registry.repository("library/app").put(small_image(), tag="v1")
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    await repository.resolve("v1")
    await asyncio.sleep(0.85)
    await repository.resolve("v1")
    assert source_registry.count("GET", "/token") == 2
    assert source_registry.count("HEAD") == 3  # the first was refused; none after it


async def test_a_token_taken_back_is_renewed_once(source_registry: FaultyRegistry, open_repository) -> None:
    source_registry.switches.login = Login()
    source_registry.repository("library/app").put(small_image(), tag="v1")
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    await repository.resolve("v1")
    source_registry.tokens.clear()
    await asyncio.gather(*(repository.resolve("v1") for _ in range(6)))
    assert source_registry.count("GET", "/token") == 2


async def test_anonymous_tokens_are_asked_for_without_credentials(
    source_registry: FaultyRegistry, open_repository
) -> None:
    source_registry.switches.login = Login(anonymous=True, expires_in=None)
    source_registry.repository("library/app")
    assert await (await open_repository(source_registry.address)).list_tags() == []
    assert "Authorization" not in source_registry.seen("GET", "/token")[0].headers


@pytest.mark.parametrize("scheme", ["bearer", "basic"])
async def test_wrong_credentials_fail_at_once(source_registry: FaultyRegistry, open_repository, scheme: str) -> None:
    source_registry.switches.login = Login(scheme=scheme)
    repository = await open_repository(source_registry.address, credentials=Credentials("user", "wrong-planted"))
    with pytest.raises(AuthFailed, match="refused the credentials of the source") as caught:
        await repository.list_tags()
    assert "planted" not in str(caught.value)
    assert source_registry.count() <= 3


@pytest.mark.parametrize("scheme", ["bearer", "basic"])
async def test_missing_credentials_are_asked_for(source_registry: FaultyRegistry, open_repository, scheme: str) -> None:
    source_registry.switches.login = Login(scheme=scheme)
    with pytest.raises(AuthFailed, match="Give the source a user name and password"):
        await (await open_repository(source_registry.address)).list_tags()


async def test_basic_credentials_go_ahead_of_the_next_challenge(
    source_registry: FaultyRegistry, open_repository
) -> None:
    source_registry.switches.login = Login(scheme="basic", username="ünï", password="pässword")
    source_registry.repository("library/app").put(small_image(), tag="v1")
    repository = await open_repository(source_registry.address, credentials=Credentials("ünï", "pässword"))
    for _ in range(3):
        assert await repository.resolve("v1")
    assert source_registry.count() == 4


async def test_the_target_is_written_with_one_scope_and_deleted_from_with_a_wider_one(
    target_registry: FaultyRegistry, open_repository
) -> None:
    target_registry.switches.login = Login()
    repository = await open_repository(target_registry.address, "mirror/app", side=Side.TARGET, credentials=RIGHT)
    content = b"{}"

    await repository.push_blob(Descriptor("x", sha256_digest(content), 2), in_memory(content))
    image = small_image()
    target_registry.repository("mirror/app").put(image, tag="old")
    await repository.delete_tag("old")
    scopes = [request.query["scope"] for request in target_registry.seen("GET", "/token")]
    assert scopes == ["repository:mirror/app:pull,push", "repository:mirror/app:delete,pull,push"]


async def test_a_token_service_without_a_token_is_a_fault(source_registry: FaultyRegistry, open_repository) -> None:
    source_registry.switches.login = Login()
    source_registry.fail("GET", "/token", status=200, body=b'{"token": 5}', times=99)
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    with pytest.raises(RegistryFault, match="without a token"):
        await repository.list_tags()


async def test_a_token_service_that_is_down_is_not_asked_by_each_of_many(
    source_registry: FaultyRegistry, open_repository
) -> None:
    source_registry.switches.login = Login()
    source_registry.fail("GET", "/token", status=400, times=99)
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    await asyncio.gather(*(repository.resolve(f"v{n}") for n in range(12)), return_exceptions=True)
    assert source_registry.count("GET", "/token") <= 2


async def test_the_order_of_scopes_makes_no_other_token(source_registry: FaultyRegistry, open_repository) -> None:
    source_registry.switches.login = Login()
    source_registry.repository("library/app").put(small_image(), tag="v1")
    client = (await open_repository(source_registry.address, credentials=RIGHT))._client
    for scope in (
        "repository:library/app:pull,push repository:other:pull",
        "repository:other:pull repository:library/app:push,pull",
        "repository:other:pull repository:library/app:push repository:library/app:pull",
    ):
        await client.call("GET", "/v2/library/app/tags/list", scope=scope, what="it")
    assert source_registry.count("GET", "/token") == 1


async def test_a_service_that_knows_only_posts_is_asked_that_way_from_then_on(
    source_registry: FaultyRegistry, open_repository
) -> None:
    source_registry.switches.login = Login(endpoint="post", expires_in=300)
    source_registry.repository("library/app").put(small_image(), tag="v1")
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    await repository.resolve("v1")
    source_registry.tokens.clear()
    await repository.resolve("v1")
    assert [request.method for request in source_registry.seen(path="/token")] == ["GET", "POST", "POST"]
    assert "Authorization" not in source_registry.seen("POST", "/token")[0].headers


async def test_a_token_service_that_sends_the_password_on_to_another_host_does_not_get_it_there(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry, open_repository
) -> None:
    source_registry.switches.login = Login(endpoint="post")
    source_registry.fail("POST", "/token", status=307, headers={"Location": f"{target_registry.url}/token"}, times=9)
    source = await open_repository(source_registry.address, credentials=RIGHT)
    with pytest.raises(MalformedAnswer, match="credentials of the source on to another host"):
        await source.list_tags()
    assert target_registry.requests == []


async def test_an_identity_token_is_replaced_by_the_one_that_comes_for_it(
    source_registry: FaultyRegistry, open_repository
) -> None:
    source_registry.switches.login = Login(endpoint="both", refresh_token="second-planted")
    answer = json.dumps({"access_token": "unknown", "refresh_token": "second-planted"}).encode()
    source_registry.fail("POST", "/token", status=200, body=answer)
    source_registry.repository("library/app").put(small_image(), tag="v1")
    token = Credentials("<token>", "first-planted")
    repository = await open_repository(source_registry.address, credentials=token)
    with pytest.raises(AuthFailed):
        await repository.resolve("v1")
    assert await repository.resolve("v1")
    assert source_registry.seen("POST", "/token")[-1].form["refresh_token"] == "second-planted"


@pytest.mark.parametrize("endpoint", ["post", "both"])
async def test_a_refused_identity_token_is_told_as_wrong_credentials(
    source_registry: FaultyRegistry, open_repository, endpoint: str
) -> None:
    source_registry.switches.login = Login(endpoint=endpoint, refresh_token="right")
    token = Credentials("<token>", "wrong-planted")
    repository = await open_repository(source_registry.address, credentials=token)
    with pytest.raises(AuthFailed, match="refused the credentials of the source") as caught:
        await repository.list_tags()
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_token_service_without_a_way_to_a_token_is_a_fault(
    source_registry: FaultyRegistry, open_repository, status: int
) -> None:
    source_registry.switches.login = Login()
    source_registry.fail("*", "/token", status=status, times=99)
    for credentials in (None, RIGHT):
        repository = await open_repository(source_registry.address, credentials=credentials)
        with pytest.raises(RegistryFault, match=f"knows no way to give a token .HTTP {status}"):
            await repository.list_tags()


@pytest.mark.parametrize("error", ["", ',error="invalid_token"'])
async def test_a_token_that_stays_invalid_is_shown_twice_and_not_more(
    source_registry: FaultyRegistry, open_repository, error: str
) -> None:
    source_registry.switches.login = Login()
    challenge = f'Bearer realm="{source_registry.url}/token",service="tests"{error}'
    source_registry.fail("GET", "/tags/", status=401, headers={"WWW-Authenticate": challenge}, times=99)
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    with pytest.raises(AuthFailed):
        await repository.list_tags()
    headers = [request.headers.get("Authorization") for request in source_registry.seen("GET", "/tags/")]
    assert headers[0] is None
    assert headers[1] == headers[2]
    assert len(headers) == 3
    assert source_registry.count(path="/token") == 1


async def test_a_token_without_the_right_is_told_as_such(source_registry: FaultyRegistry, open_repository) -> None:
    source_registry.switches.login = Login(challenge="insufficient", denied="library/app")
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    with pytest.raises(AuthFailed, match="no right to pull from this repository"):
        await repository.list_tags()
    assert source_registry.count("GET", "/tags/") == 2


async def test_a_token_that_ends_soon_is_renewed_before_a_large_upload(
    target_registry: FaultyRegistry, open_repository
) -> None:
    target_registry.switches.login = Login(expires_in=100)
    client = (await open_repository(target_registry.address, "a", side=Side.TARGET, credentials=RIGHT))._client
    scope = "repository:a:pull,push"
    for age, tokens in ((0, 1), (45, 1), (50, 2)):
        answer = await client.call("POST", "/v2/a/blobs/uploads/", scope=scope, what="it", body=b"", accept=(202,))
        _age_tokens(client, age)
        url = await client.joined_url(answer.url, answer.headers["Location"])
        await client.upload("PATCH", url, scope=scope, what="it", chunks=_once(b"x"), size=1)
        assert target_registry.count(path="/token") == tokens


@pytest.mark.parametrize(
    "challenges", [["Basic"], ['Basic service="ecr.amazonaws.com"'], ["Bearer", 'Basic realm="x"'], ["Bearer, Basic"]]
)
async def test_basic_is_answered_without_a_realm_and_beside_a_bearer_that_is_of_no_use(
    source_registry: FaultyRegistry, open_repository, challenges: list[str]
) -> None:
    """As Amazon ECR asks for it."""
    source_registry.switches.login = Login(scheme="basic")
    headers = CIMultiDict([("WWW-Authenticate", challenge) for challenge in challenges])
    source_registry.fail("GET", "/tags/", status=401, headers=headers)  # type: ignore[arg-type]
    source_registry.repository("library/app")
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    assert await repository.list_tags() == []
    assert source_registry.count() == 2


async def test_credentials_go_to_no_token_service_in_the_clear_where_tls_is_verified() -> None:
    requests = RegistryClient(Endpoint("registry.example", RIGHT), side=Side.SOURCE)._requests
    for secret in (
        TokenRequest(URL("http://auth.example/"), "Basic x"),
        TokenRequest(URL("http://auth.example/"), form=b"x"),
    ):
        with pytest.raises(MalformedAnswer, match="wants its credentials over plain HTTP"):
            await requests._fetch_token(secret)


def _age_tokens(client: RegistryClient, seconds: float) -> None:
    tokens = client._requests._authorizer._tokens
    for key, token in tokens.items():
        tokens[key] = replace(token, received_at=token.received_at - seconds, expires_at=token.expires_at - seconds)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
