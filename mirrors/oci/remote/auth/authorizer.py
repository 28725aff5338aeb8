"""The Authorization header of one registry: Basic, or Bearer tokens fetched, cached per scope and renewed."""

from __future__ import annotations

import asyncio
import base64
import functools
import time
from collections.abc import Awaitable, Callable, Sequence

from mirrors.oci.concurrency import Together
from mirrors.oci.endpoint import Credentials
from mirrors.oci.errors import AuthFailed, MalformedAnswer, Side
from mirrors.oci.remote.auth.challenges import Challenge, merge_scopes
from mirrors.oci.remote.auth.tokens import (
    IDENTITY,
    Realm,
    Token,
    TokenRequest,
    password_grant,
    read_token,
    refresh_grant,
)
from mirrors.oci.remote.http.exchange import Answer
from mirrors.oci.remote.http.faults import auth_failed

_NEW = 10.0
"""Seconds in which a token that is called invalid may just not be valid yet, by another clock."""

FetchToken = Callable[[TokenRequest], Awaitable[Answer]]
"""Sends it: an answer with 200, or with 404, 405 or 501 where the service does not know the method; or an OCIError."""


class Authorizer:
    """Answers one registry's challenges. What it has learned is used ahead of the next challenge.

    It belongs to one client, and so do its tokens: nobody else's requests are sent with them. pause: seconds before a
    token that is not valid yet is shown again.
    """

    def __init__(
        self, *, host: str, side: Side, credentials: Credentials | None, fetch_token: FetchToken, pause: float = 1.0
    ) -> None:
        self._host = host
        self._side = side
        self._credentials = credentials
        self._fetch_token = fetch_token
        self._pause = pause
        self._challenge: Challenge | None = None
        self._tokens: dict[str, Token] = {}
        self._doubts: dict[str, tuple[Token, float]] = {}
        self._wider: dict[str, str] = {}
        self._renewals: Together[Token] = Together()
        self._posts = credentials is not None and credentials.username == IDENTITY
        self._refresh_token = credentials.password if credentials is not None and self._posts else None

    async def header(self, scope: str, *, lasting: float = 0.0) -> str | None:
        """The Authorization header for a request in this scope, or None while the registry has not asked for any.

        lasting: seconds that it has to be good for, as far as its life allows.
        """
        if self._challenge is None:
            return None
        if self._challenge.scheme == "basic":
            return self._basic()
        key = _key(scope)
        token = self._tokens.get(key)
        if token is not None and token.lasts(lasting):
            return token.header
        return (await self._renew(key)).header

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
        key = _key(scope)
        self._widen(key, challenge)
        token = self._tokens.get(key)
        if token is not None and token.header != refused and token.lasts(0.0):
            return token.header
        return (await self._renew(key)).header

    async def answer_again(self, challenges: Sequence[Challenge], *, scope: str, refused: str | None) -> str | None:
        """The header to try after a second 401 in a row, or None where nothing is left to try.

        One whose scope is called insufficient is traded for one of the scope that is asked for. Any other new token is
        shown once more after a pause: it may not be valid yet by the clock of the registry.
        """
        challenge = next((each for each in challenges if each.scheme == "bearer"), None)
        key = _key(scope)
        token = self._tokens.get(key)
        if challenge is None or token is None:
            return None
        if challenge.parameters.get("error") == "insufficient_scope":
            return (await self._renew(key)).header if self._widen(key, challenge) else None
        if token.header != refused:
            return token.header
        rest = self._doubt(key, token)
        if rest is None:
            return None
        await asyncio.sleep(rest)
        return token.header

    def _doubt(self, key: str, token: Token) -> float | None:
        """Seconds until this token is shown again, at one moment for all who doubt it; None if it has been."""
        now = time.monotonic()
        doubted, again_at = self._doubts.get(key, (None, 0.0))
        if doubted is not token and token.age < _NEW:
            again_at = now + self._pause
            self._doubts[key] = (token, again_at)
        return max(0.0, again_at - now) if again_at >= now else None

    def _choose(self, challenges: Sequence[Challenge]) -> Challenge:
        """Bearer before Basic, unless there is no saying where its tokens are from, and never was."""
        by_scheme = {challenge.scheme: challenge for challenge in reversed(challenges)}
        bearer, basic = by_scheme.get("bearer"), by_scheme.get("basic")
        useless = bearer is not None and "realm" not in bearer.parameters and self._challenge is None
        chosen = basic if useless and basic is not None else bearer or basic
        if chosen is None:
            raise self._failed()
        return chosen

    def _widen(self, key: str, challenge: Challenge) -> bool:
        """Ask for what the registry wants from now on. Whether that is more than before."""
        before = self._asked(key)
        if wanted := challenge.parameters.get("scope"):
            self._wider[key] = wanted
        return self._asked(key) != before

    def _asked(self, key: str) -> str:
        return _key(f"{key} {self._wider.get(key, '')}")

    async def _renew(self, key: str) -> Token:
        token = self._tokens[key] = await self._renewals(key, lambda: self._request_token(key))
        return token

    async def _request_token(self, key: str) -> Token:
        assert self._challenge is not None  # noqa: S101 - only reached after a challenge
        asked_at = time.monotonic()
        realm = Realm.of(self._challenge)
        if realm is None:
            raise MalformedAnswer(f"{self._host} asks for a token but does not say where from.", side=self._side)
        answer = await self._ask(realm, (self._asked(key),))
        if answer.status != 200:
            sentence = f"The token service of {self._host} knows no way to give a token (HTTP {answer.status})."
            raise MalformedAnswer(f"{sentence} Check the address of the {self._side}.", side=self._side)
        token, refresh = read_token(
            answer.content, headers=answer.headers, asked_at=asked_at, host=self._host, side=self._side
        )
        if refresh is not None and self._refresh_token is not None:
            self._refresh_token = refresh  # RFC 6749 section 6: the old one is to be thrown away
        return token

    async def _ask(self, realm: Realm, scopes: Sequence[str]) -> Answer:
        """An identity token is traded by POST, a password by GET; by the other where only that is known there."""
        get = realm.get(scopes, authorization=self._basic())
        if self._credentials is None:
            return await self._fetch_token(get)
        refresh_token = self._refresh_token
        grant = refresh_grant(refresh_token) if refresh_token is not None else password_grant(self._credentials)
        post = realm.post(scopes, grant=grant)
        answer = await self._fetch_token(post if self._posts else get)
        if answer.status != 200:
            self._posts = not self._posts
            answer = await self._fetch_token(post if self._posts else get)
        return answer

    def _basic(self) -> str | None:
        if self._credentials is None:
            return None
        return basic_authorization(self._credentials.username, self._credentials.password)

    def _failed(self) -> AuthFailed:
        return auth_failed(self._host, side=self._side, with_credentials=self._credentials is not None)


@functools.lru_cache(maxsize=4096)
def _key(scope: str) -> str:
    """The same scopes in one order, by which tokens are kept."""
    return " ".join(merge_scopes((scope,)))


def basic_authorization(username: str, password: str) -> str:
    """The header value for Basic authentication (RFC 7617), in UTF-8."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
