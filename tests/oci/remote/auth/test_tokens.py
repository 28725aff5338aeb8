from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import pytest
from yarl import URL

from mirrors.oci import Credentials, Side
from mirrors.oci.remote.auth import tokens as module
from mirrors.oci.remote.auth.challenges import Challenge
from mirrors.oci.remote.auth.tokens import Realm, Token, password_grant, read_token

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHALLENGE = Challenge("bearer", {"realm": "https://a/t?account=x&service=own", "service": "reg"})


def test_a_token_is_asked_for_with_the_realms_own_query() -> None:
    realm = Realm.of(CHALLENGE)
    assert realm is not None
    request = realm.get(["repository:a:push,pull", "repository:b:pull repository:a:pull"], authorization=None)
    scopes = "&scope=repository:a:pull,push&scope=repository:b:pull"
    assert request.url == URL(f"https://a/t?account=x&service=reg{scopes}")
    assert not request.has_secret


def test_a_form_has_what_is_traded_in_and_shows_it_to_nobody() -> None:
    realm = Realm.of(CHALLENGE)
    assert realm is not None
    request = realm.post(["repository:a:pull"], grant=password_grant(Credentials("me", "planted & more")))
    assert request.form is not None
    assert parse_qs(request.form.decode()) == {
        "service": ["reg"],
        "client_id": ["mirrorfarm"],
        "scope": ["repository:a:pull"],
        "grant_type": ["password"],
        "username": ["me"],
        "password": ["planted & more"],
    }
    assert request.has_secret
    assert "planted" not in repr(request)


@pytest.mark.parametrize("realm", ["", "file:///etc/passwd", "https://", "https://user:pw@a/t", "http://[::1"])
def test_a_useless_realm_is_none(realm: str) -> None:
    assert Realm.of(Challenge("bearer", {"realm": realm})) is None


def life(document: dict[str, object], *, date: datetime | None = NOW) -> float:
    headers = {"Date": format_datetime(date, usegmt=True)} if date else {}
    content = json.dumps({"token": "x", **document}).encode()
    token, _ = read_token(content, headers=headers, asked_at=100.0, host="a", side=Side.SOURCE)
    return token.expires_at - 100.0


@pytest.mark.parametrize("value", [None, "soon", 0, -5, [], "nan", "inf"])
def test_a_life_that_makes_no_sense_is_a_minute(value: object) -> None:
    assert life({"expires_in": value}) == 60


@pytest.mark.parametrize(
    ("issued", "seconds"),
    [(0, 300), (-100, 200), (-299, 1), (-300, 300), (-86_400, 300), (86_400, 300)],
)
def test_a_token_out_of_a_cache_lives_as_long_as_is_left_of_it(issued: float, seconds: float) -> None:
    moment = NOW + timedelta(seconds=issued)
    assert life({"expires_in": 300, "issued_at": moment.isoformat().replace("+00:00", "Z")}) == seconds


@pytest.mark.parametrize("issued", ["yesterday", 5, None, "2026-01-01"])
def test_a_birth_that_makes_no_sense_is_now(issued: object) -> None:
    assert life({"expires_in": 300, "issued_at": issued}) == 300
    assert life({"expires_in": 300, "issued_at": issued}, date=None) == 300


@pytest.mark.parametrize(
    ("total", "left", "lasting", "good"),
    [
        (300, 31, 0, True),
        (300, 29, 0, False),
        (300, 61, 60, True),
        (300, 59, 60, False),
        (60, 31, 60, True),
        (60, 29, 60, False),
        (1, 0.3, 0, True),
        (1, 0.1, 0, False),
    ],
)
def test_a_token_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch, total: float, left: float, lasting: float, good: bool
) -> None:
    token = Token("Bearer planted", received_at=1000.0, expires_at=1000.0 + total)
    monkeypatch.setattr(module.time, "monotonic", lambda: 1000.0 + total - left)
    assert token.lasts(lasting) is good
    assert "planted" not in repr(token)
