from __future__ import annotations

import asyncio

import pytest

from mirrors.oci import AuthFailed, Credentials, RegistryFault, Side
from mirrors.oci.content import in_memory
from mirrors.oci.manifest import Descriptor, sha256_digest
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
