"""Rule 1: challenges and tokens, in every form that registries have for them."""

from __future__ import annotations

import asyncio

import pytest

from mirrors.oci import Action, Credentials, Side, copy_tags
from mirrors.oci.remote.auth.tokens import read_token
from mirrors.sample.images import image_of_size, small_image
from tests.registry import FaultyRegistry, Login, StoredTags

RIGHT = Credentials("user", "password")
MIB = 1 << 20


@pytest.mark.parametrize("challenge", ["several", "joined", "no-service", "no-scope", "insufficient"])
async def test_a_challenge_is_answered_in_whatever_form_it_comes(
    source_registry: FaultyRegistry, app: StoredTags, open_repository, challenge: str
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.switches.login = Login(challenge=challenge)
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    assert await repository.resolve("v1")
    (request,) = source_registry.seen(path="/token")
    assert request.query.get("service") == (None if challenge == "no-service" else "tests")
    assert request.query["scope"] == "repository:library/app:pull"


@pytest.mark.parametrize("skew", [-86_400.0, 86_400.0])
async def test_a_token_service_whose_clock_is_wrong_is_asked_once(
    source_registry: FaultyRegistry, app: StoredTags, open_repository, skew: float
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.switches.login = Login(issued_at=skew)
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    for _ in range(3):
        assert await repository.resolve("v1")
    assert source_registry.count(path="/token") == 1


@pytest.mark.parametrize("document", [b'{"token": "x"}', b'{"access_token": "x", "expires_in": "soon"}'])
def test_a_token_without_a_time_of_its_own_lives_a_minute(document: bytes) -> None:
    token, _ = read_token(document, headers={}, asked_at=5.0, host="registry.example", side=Side.SOURCE)
    assert (token.header, token.expires_at) == ("Bearer x", 65.0)


@pytest.mark.parametrize("endpoint", ["get", "post", "both", "post-404"])
async def test_a_token_is_got_by_get_or_by_post(
    source_registry: FaultyRegistry, app: StoredTags, open_repository, endpoint: str
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.switches.login = Login(endpoint=endpoint)
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    assert await repository.resolve("v1")
    assert source_registry.count(path="/token") <= 2


async def test_an_identity_token_is_traded_in_by_post(
    source_registry: FaultyRegistry, app: StoredTags, open_repository
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.switches.login = Login(endpoint="both", refresh_token="identity-planted")
    # How docker's credential helpers hand an identity token over.
    token = Credentials("<token>", "identity-planted")
    assert await (await open_repository(source_registry.address, credentials=token)).resolve("v1")
    (request,) = source_registry.seen("POST", "/token")
    assert request.form["grant_type"] == "refresh_token"
    assert request.form["service"] == "tests"


async def test_tokens_are_not_shared_between_credentials(
    source_registry: FaultyRegistry, app: StoredTags, open_repository
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.switches.login = Login(anonymous=True)
    for credentials in (RIGHT, None, RIGHT):
        repository = await open_repository(source_registry.address, credentials=credentials)
        assert await repository.resolve("v1")
    asked = [request.headers.get("Authorization", "none") for request in source_registry.seen(path="/token")]
    assert len(asked) == 3
    assert [each.partition(" ")[0] for each in asked] == ["Basic", "none", "Basic"]
    assert len({request.headers["Authorization"] for request in source_registry.seen("HEAD")[1::2]}) == 3


async def test_many_requests_at_once_need_one_token(
    source_registry: FaultyRegistry, app: StoredTags, open_repository
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.switches.login = Login()
    source_registry.switches.delay = 0.02
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    await asyncio.gather(*(repository.resolve("v1") for _ in range(20)))
    assert source_registry.count(path="/token") == 1


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_token_that_ends_in_mid_upload_costs_another_try_and_no_blob(
    target_registry: FaultyRegistry, app: StoredTags, source, open_repository, method: str
) -> None:
    image = image_of_size(3 * MIB, layers=2)
    app.put(image, tag="v1")
    target_registry.switches.login = Login()
    expired = f'Bearer realm="{target_registry.url}/token",service="tests",error="invalid_token"'
    target_registry.fail(method, "/uploads/", status=401, headers={"WWW-Authenticate": expired})
    target = await open_repository(target_registry.address, "mirror/app", side=Side.TARGET, credentials=RIGHT)
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED, outcome.reason
    held = target_registry.repository("mirror/app")
    assert held.blobs == image.all_blobs()
    assert held.uploads == {}
    assert target_registry.count(path="/token") in {2, 3}


async def test_tokens_of_few_uses_are_renewed_as_often_as_it_takes(
    source_registry: FaultyRegistry, app: StoredTags, open_repository
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.switches.login = Login(uses=2)
    repository = await open_repository(source_registry.address, credentials=RIGHT)
    for _ in range(6):
        await repository.fetch_manifest("v1")
    assert source_registry.count(path="/token") == 3
