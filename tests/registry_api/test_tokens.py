"""Tokens: who gets one for what, and that nothing but a right gives access."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from datetime import timedelta

import jwt
import pytest
import requests
import time_machine
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from mirrors.models import Namespace, Repository, Robot, User
from mirrors.oci import Store
from mirrors.services.accounts import access_tokens, registry_tokens
from mirrors.services.accounts.registry_tokens import LIFETIME, MAX_SCOPES, PullAccess
from mirrors.services.accounts.sign_in_throttle import ACCOUNT_HERE
from tests.fixtures.domain import PASSWORD
from tests.registry_api.conftest import PRIVATE_IMAGE, Door

PRIVATE = "repository:acme/private:pull"
MANIFEST = "/v2/acme/private/manifests/secret"


def basic(username: str, password: str | None) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def ask(client: Client, *scopes: str, **headers: str) -> str:
    answer = client.get("/v2/auth", {"scope": scopes}, headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.json()["token"]


def pulls(token: str) -> dict[str, bool]:
    found = registry_tokens.verify(token)
    assert found is not None
    return found.pulls


def test_the_answer_has_what_clients_read(client: Client, repositories: Store) -> None:
    answer = client.get("/v2/auth?service=x&account=y&client_id=docker&offline_token=true&scope=" + PRIVATE)
    body = answer.json()
    assert set(body) == {"token", "access_token", "expires_in", "issued_at"}
    assert body["token"] == body["access_token"]
    assert body["expires_in"] == LIFETIME.total_seconds()
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("who", "may_pull_private"),
    [("nobody", False), ("stranger", False), ("teammate", True), ("owner", True), ("superuser", True), ("robot", True)],
)
def test_a_token_lets_pull_what_its_holder_may_and_never_push(
    request: pytest.FixtureRequest, client: Client, reader: Robot, who: str, may_pull_private: bool
) -> None:
    headers = {}
    if who == "robot":
        headers = basic(reader.full_name, reader.token)
    elif who != "nobody":
        headers = basic(request.getfixturevalue(who).username, PASSWORD)
    everything = [f"repository:acme/{name}:pull,push,*" for name in ("public", "private", "unknown")]
    token = ask(client, *everything, **headers)
    assert pulls(token) == {"acme/public": True, "acme/private": may_pull_private, "acme/unknown": False}
    assert "push" not in json.dumps(jwt.decode(token, options={"verify_signature": False}))
    answer = client.get(MANIFEST, headers={"Authorization": f"Bearer {token}"})
    assert (answer.content == PRIVATE_IMAGE.manifest.content) is may_pull_private
    assert client.get("/v2/", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_signed_in_account_without_the_right_is_told_the_same_of_unknown_and_forbidden(
    client: Client, stranger: User, repositories: Store
) -> None:
    token = ask(client, PRIVATE, "repository:acme/unknown:pull", **basic("stranger", PASSWORD))
    answers = [
        client.get(f"/v2/acme/{name}/manifests/secret", headers={"Authorization": f"Bearer {token}"})
        for name in ("private", "unknown")
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    texts = [answer.content.decode().replace("private", "X").replace("unknown", "X") for answer in answers]
    assert texts[0] == texts[1]
    assert "DENIED" in texts[0]


def test_a_token_that_was_not_asked_for_this_repository_leads_to_one_that_is(client: Client, reader: Robot) -> None:
    token = ask(client, "repository:acme/public:pull", **basic(reader.full_name, reader.token))
    answer = client.get(MANIFEST, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].endswith(f'scope="{PRIVATE}"')


@pytest.mark.parametrize(
    "header",
    [
        basic("acme+mirror", "wrong"),
        basic("acme+unknown", "wrong"),
        basic("nobody+mirror", "wrong"),
        basic("acme+mirror", ""),
        basic("owner", "wrong"),
        basic("unknown", PASSWORD),
        basic("$oauthtoken", "wrong"),
        basic("", ""),
        basic("own\x00er", PASSWORD),
        basic("own\x00er+x", PASSWORD),
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic /w=="},
        {"Authorization": "Basic \xfc\xfe"},
        {"Authorization": "Bearer " + "a" * 40},
        {"Authorization": "Basic"},
    ],
    ids=range(15),
)
def test_wrong_credentials_are_refused_without_a_hint_which_part_is_wrong(
    client: Client, owner: User, reader: Robot, header: dict[str, str]
) -> None:
    answer = client.get("/v2/auth?scope=" + PRIVATE, headers=header)
    assert answer.status_code == 401
    error = answer.json()["errors"][0]
    assert error["code"] == "UNAUTHORIZED"
    assert (
        error["message"] == "The user name or the password is wrong. A robot signs in as namespace+name with its token."
    )
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="testserver"'


def test_an_account_that_was_switched_off_gets_no_token(client: Client, reader: Robot, owner: User) -> None:
    space = Namespace.objects.get(user=owner)
    machine = Robot.objects.create(namespace=space, name="machine")
    _, text = access_tokens.issue_token(owner, name="ci", scopes=["repo:read"])
    accounts = [("owner", PASSWORD), (machine.full_name, machine.token), ("$oauthtoken", text)]
    assert all(client.get("/v2/auth", headers=basic(*account)).status_code == 200 for account in accounts)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert all(client.get("/v2/auth", headers=basic(*account)).status_code == 401 for account in accounts)


@pytest.mark.parametrize(
    ("scopes", "expected"), [(["repo:read"], True), (["repo:admin"], True), (["org:admin", "repo:create"], None)]
)
def test_an_access_token_pulls_when_its_scopes_say_so(
    client: Client, owner: User, repositories: Store, scopes: list[str], expected: bool | None
) -> None:
    _, text = access_tokens.issue_token(owner, name="ci", scopes=scopes)
    answer = client.get("/v2/auth?scope=" + PRIVATE, headers=basic("$oauthtoken", text))
    assert (pulls(answer.json()["token"])["acme/private"] if answer.status_code == 200 else None) is expected


def test_an_access_token_of_a_superuser_needs_the_scope_to_act_as_one(
    client: Client, superuser: User, repositories: Store
) -> None:
    for scopes, expected in ((["repo:read"], False), (["repo:read", "super:user"], True)):
        _, text = access_tokens.issue_token(superuser, name="ci", scopes=scopes)
        assert pulls(ask(client, PRIVATE, **basic("$oauthtoken", text))) == {"acme/private": expected}
    superuser.refresh_from_db()
    assert superuser.is_superuser


def test_a_token_ends_with_its_lifetime(client: Client, reader: Robot) -> None:
    token = ask(client, PRIVATE, **basic(reader.full_name, reader.token))
    with time_machine.travel(timezone.now() + LIFETIME + timedelta(seconds=1), tick=False):
        assert client.get(MANIFEST, headers={"Authorization": f"Bearer {token}"}).status_code == 401
        assert client.get("/v2/", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_token_that_is_altered_unsigned_or_signed_by_another_is_none(
    client: Client, reader: Robot, settings: LazySettings
) -> None:
    good = ask(client, PRIVATE, **basic(reader.full_name, reader.token))
    claims = jwt.decode(good, options={"verify_signature": False})
    without_end = jwt.encode({k: v for k, v in claims.items() if k != "exp"}, registry_tokens._signing_key())
    forged = [
        good[:-2],
        jwt.encode(claims, None, algorithm="none"),
        jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256"),
        jwt.encode(claims | {"aud": "somebody-else"}, registry_tokens._signing_key()),
        without_end,
        "",
        "a.b.c",
    ]
    assert registry_tokens.verify(good) is not None
    assert [registry_tokens.verify(text) for text in forged] == [None] * len(forged)


def test_a_repository_deleted_after_the_token_was_issued_is_gone(client: Client, reader: Robot) -> None:
    token = ask(client, PRIVATE, **basic(reader.full_name, reader.token))
    Repository.objects.filter(name="private").delete()
    assert client.get(MANIFEST, headers={"Authorization": f"Bearer {token}"}).status_code == 403


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "repository",
        "repository:acme/private",
        "registry:catalog:*",
        "repository:acme/private:push",
        "::",
        "a:b:c:d",
        "repository:../x:pull",
        "repository:a\x00b:pull",
    ],
)
def test_a_scope_that_asks_for_no_pull_gives_none(client: Client, owner: User, repositories: Store, scope: str) -> None:
    assert pulls(ask(client, scope, **basic("owner", PASSWORD))) == {}


def test_scopes_may_come_in_one_parameter_or_several(client: Client, repositories: Store) -> None:
    one = "repository:acme/public:pull repository:acme/private:pull"
    assert pulls(ask(client, one)) == pulls(ask(client, *one.split())) == {"acme/private": False, "acme/public": True}


def test_too_many_scopes_are_refused(client: Client, repositories: Store) -> None:
    scopes = [f"repository:acme/r{n}:pull" for n in range(MAX_SCOPES + 1)]
    answer = client.get("/v2/auth", {"scope": scopes})
    assert answer.status_code == 400
    assert "at most 10 repositories" in answer.json()["errors"][0]["message"]
    assert len(pulls(ask(client, *scopes[1:]))) == MAX_SCOPES


def test_a_robots_use_is_noted_once_a_minute(client: Client, reader: Robot) -> None:
    noted = []
    start = timezone.now()
    for seconds in (0, 30, 90):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            ask(client, PRIVATE, **basic(reader.full_name, reader.token))
        reader.refresh_from_db()
        noted.append((reader.last_accessed_at - start).total_seconds())
    assert noted == [0, 0, 90]


def test_a_robot_whose_token_no_key_decrypts_cannot_sign_in_and_the_log_says_so(
    client: Client, reader: Robot, caplog: pytest.LogCaptureFixture
) -> None:
    headers = basic(reader.full_name, reader.token)
    Robot.objects.filter(pk=reader.pk).update(token_ciphertext="damaged")
    with caplog.at_level(logging.ERROR):
        assert client.get("/v2/auth", headers=headers).status_code == 401
    assert "The token of the robot acme+mirror cannot be decrypted" in caplog.text
    assert str(reader.token) not in caplog.text


def test_no_credential_is_logged_or_answered(
    client: Client, owner: User, reader: Robot, caplog: pytest.LogCaptureFixture
) -> None:
    planted = ["planted-password-1Xq", str(reader.token)]
    with caplog.at_level(logging.DEBUG):
        answers = [client.get("/v2/auth", headers=basic("owner", planted[0]))]
        answers += [client.get("/v2/auth", headers=basic(reader.full_name, planted[1]))]
        answers += [client.get("/v2/", headers=basic("owner", planted[0]))]
    everything = caplog.text + "".join(answer.content.decode() + str(answer.headers) for answer in answers)
    assert not [secret for secret in planted if secret in everything]


def test_the_session_of_the_pages_opens_nothing_here(client: Client, owner: User, repositories: Store) -> None:
    client.force_login(owner)
    assert client.get(MANIFEST).status_code == 401


def test_access_is_decided_alike_for_no_token_and_an_anonymous_one(client: Client, repositories: Store) -> None:
    anonymous = registry_tokens.verify(ask(client, PRIVATE, "repository:acme/public:pull"))
    for token in (None, anonymous):
        assert registry_tokens.pull_access("acme/public", token=token) is PullAccess.GRANTED
        assert registry_tokens.pull_access("acme/private", token=token) is PullAccess.SIGN_IN
        assert registry_tokens.pull_access("acme/unknown", token=token) is PullAccess.SIGN_IN


def test_a_new_user_signs_in_over_a_real_connection(door: Door, make_user: Callable[..., User]) -> None:
    make_user("newcomer")
    answer = requests.get(f"{door.url}/v2/auth", auth=("newcomer", PASSWORD), timeout=10)
    assert answer.status_code == 200


@time_machine.travel(timezone.now(), tick=False)
def test_guessing_passwords_is_slowed_down_here_too(db: None, owner: User) -> None:
    client = Client()
    for _ in range(ACCOUNT_HERE.free):
        assert client.get("/v2/auth", headers=basic("owner", "wrong")).status_code == 401
    answer = client.get("/v2/auth", headers=basic("owner", PASSWORD))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["errors"][0]["code"] == "TOOMANYREQUESTS"
