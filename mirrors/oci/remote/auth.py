"""The Authorization header of one registry: Basic, or Bearer tokens fetched, cached per scope and renewed."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from yarl import URL

from mirrors.oci.endpoint import Credentials
from mirrors.oci.errors import AuthFailed, MalformedAnswer, Side
from mirrors.oci.remote.challenges import Challenge, merge_scopes
from mirrors.oci.remote.links import is_usable

DEFAULT_LIFE = 60.0
"""Seconds that a token lives when its server does not say (distribution's token.md)."""
_LONGEST_MARGIN = 30.0

FetchToken = Callable[[URL, str | None], Awaitable[bytes]]
"""GET a token URL with this Authorization header: the body of the answer, or an OCIError."""


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and the moment (monotonic clock) from which it is no longer used."""

    header: str = field(repr=False)
    stale_at: float

    @property
    def is_fresh(self) -> bool:
        """False from shortly before the token expires."""
        return time.monotonic() < self.stale_at


class Authorizer:
    """Answers one registry's challenges. What it has learned is used ahead of the next challenge."""

    def __init__(self, *, host: str, side: Side, credentials: Credentials | None, fetch_token: FetchToken) -> None:
        self._host = host
        self._side = side
        self._credentials = credentials
        self._fetch_token = fetch_token
        self._challenge: Challenge | None = None
        self._tokens: dict[str, Token] = {}
        self._wider: dict[str, str] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def header(self, scope: str) -> str | None:
        """The Authorization header for a request in this scope, or None while the registry has not asked for any."""
        if self._challenge is None:
            return None
        if self._challenge.scheme == "basic":
            return self._basic()
        token = self._tokens.get(scope)
        if token is not None and token.is_fresh:
            return token.header
        return await self._renew(scope, refused=None)

    async def answer(self, challenges: Sequence[Challenge], *, scope: str, refused: str | None) -> str:
        """The header to try after a 401; raises AuthFailed where there is nothing (more) to try.

        refused: the header that the 401 was the answer to, so that requests refused together renew the token once.
        """
        challenge = self._choose(challenges)
        if challenge.scheme == "basic":
            header = self._basic()
            if header is None or header == refused:
                raise self._failed()
            self._challenge = challenge
            return header
        if self._challenge is None or "realm" in challenge.parameters:
            self._challenge = challenge
        if wanted := challenge.parameters.get("scope"):
            self._wider[scope] = wanted
        return await self._renew(scope, refused=refused)

    def _choose(self, challenges: Sequence[Challenge]) -> Challenge:
        by_scheme = {challenge.scheme: challenge for challenge in reversed(challenges)}
        chosen = by_scheme.get("bearer") or by_scheme.get("basic")
        if chosen is None:
            raise self._failed()
        return chosen

    async def _renew(self, scope: str, *, refused: str | None) -> str:
        async with self._locks.setdefault(scope, asyncio.Lock()):
            token = self._tokens.get(scope)
            if token is not None and token.is_fresh and token.header != refused:
                return token.header
            token = await self._request_token(scope)
            self._tokens[scope] = token
            return token.header

    async def _request_token(self, scope: str) -> Token:
        assert self._challenge is not None  # noqa: S101 - only reached after a challenge
        started = time.monotonic()
        url = token_url(self._challenge, scopes=(scope, self._wider.get(scope, "")))
        if url is None:
            raise MalformedAnswer(f"{self._host} asks for a token but does not say where from.", side=self._side)
        text, life = read_token(await self._fetch_token(url, self._basic()), host=self._host, side=self._side)
        return Token(f"Bearer {text}", started + life - min(_LONGEST_MARGIN, life * 0.2))

    def _basic(self) -> str | None:
        if self._credentials is None:
            return None
        return basic_authorization(self._credentials.username, self._credentials.password)

    def _failed(self) -> AuthFailed:
        return auth_failed(self._host, side=self._side, with_credentials=self._credentials is not None)


def token_url(challenge: Challenge, *, scopes: Sequence[str]) -> URL | None:
    """Where to get a token: the realm with its own query kept, service and scopes added. None for a useless realm."""
    try:
        realm = URL(challenge.parameters.get("realm", ""))
    except ValueError:
        return None
    if not is_usable(realm):
        return None
    query = [(name, value) for name, value in realm.query.items() if name not in {"scope", "service"}]
    service = challenge.parameters.get("service") or realm.query.get("service")
    query += [("service", service)] if service else []
    query += [("scope", scope) for scope in merge_scopes(scopes)]
    return realm.with_query(query).with_fragment(None)


def read_token(content: bytes, *, host: str, side: Side) -> tuple[str, float]:
    """The token of an answer and the seconds it lives."""
    try:
        document = json.loads(content)
        token = document.get("token") or document.get("access_token")
    except (ValueError, AttributeError, RecursionError):
        token = None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise MalformedAnswer(f"The token service of {host} answered without a token.", side=side)
    return token, _life(document.get("expires_in"))


def basic_authorization(username: str, password: str) -> str:
    """The header value for Basic authentication (RFC 7617), in UTF-8."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def auth_failed(host: str, *, side: Side, with_credentials: bool) -> AuthFailed:
    """The sentence for credentials that are wrong, missing, or not enough."""
    if with_credentials:
        text = f"{host} refused the credentials of the {side}. Check user name and password, and their rights."
    else:
        text = f"{host} has no such public repository, or wants credentials. Give the {side} a user name and password."
    return AuthFailed(text, side=side)


def _life(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return DEFAULT_LIFE
    return seconds if 0 < seconds < float("inf") else DEFAULT_LIFE
