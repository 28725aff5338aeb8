"""Asks for logins, and is the token service too (distribution's docs/content/spec/auth/{token,oauth}.md)."""

from __future__ import annotations

import base64
import re
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.registry.switches import Login

if TYPE_CHECKING:
    from tests.registry.server import FaultyRegistry

REFUSED = web.RequestKey("refused", str)
"""Why a token was refused, in the words of RFC 6750."""


@dataclass
class Token:
    """A token that was given out. expires: of the monotonic clock. uses: requests it is still good for."""

    expires: float
    scope: str
    uses: int | None = None


class LoginDesk:
    """Looks at Authorization headers, answers 401, gives out tokens."""

    def __init__(self, registry: FaultyRegistry) -> None:
        self.registry = registry

    def routes(self) -> list[web.RouteDef]:
        """The token service."""
        return [web.get("/token", self.token), web.post("/token", self.token_by_post)]

    @web.middleware
    async def check(self, request: web.Request, handler):  # type: ignore[no-untyped-def]
        """Refuse requests without a right to what they ask for."""
        login = self.registry.switches.login
        if login is None or not request.path.startswith("/v2/") or self._is_allowed(request, login):
            return await handler(request)
        refusal = web.HTTPUnauthorized(text="<html>log in</html>")
        for challenge in self._challenges(request, login):
            refusal.headers.add("WWW-Authenticate", challenge)
        raise refusal

    def _challenges(self, request: web.Request, login: Login) -> list[str]:
        if login.scheme == "basic":
            return ['Basic realm="tests, all of them"']
        realm = login.realm or f"{self.registry.url}/token?kept=yes"
        parameters = {"realm": realm, "service": "tests", "scope": " ".join(_scopes(request))}
        if login.challenge == "no-service":
            del parameters["service"]
        if login.challenge == "no-scope" or not parameters["scope"]:
            del parameters["scope"]
        if error := request.get(REFUSED) or ("insufficient_scope" if login.challenge == "insufficient" else ""):
            parameters["error"] = error
        bearer = "Bearer " + ",".join(f'{name}="{value}"' for name, value in parameters.items())
        others = ["Negotiate", 'Basic realm="tests, all of them"']
        if login.challenge == "several":
            return [*others, bearer]
        return [", ".join([*others, bearer])] if login.challenge == "joined" else [bearer]

    def _is_allowed(self, request: web.Request, login: Login) -> bool:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if login.scheme == "basic":
            return value == _basic(login)
        token = self.registry.tokens.get(value)
        if scheme != "Bearer" or token is None or time.monotonic() >= token.expires or token.uses == 0:
            return False
        if login.not_yet:
            login.not_yet -= 1
            request[REFUSED] = "invalid_token"
            return False
        if not all(_covers(token.scope, wanted) for wanted in _scopes(request)):
            return False
        token.uses = token.uses and token.uses - 1
        return True

    async def token(self, request: web.Request) -> web.Response:
        """The token service's GET."""
        login = self._login()
        authorization = request.headers.get("Authorization")
        if login.endpoint == "post":
            return web.json_response({"details": "use POST"}, status=405)
        if authorization is None and not login.anonymous:
            return web.json_response({"details": "who are you?"}, status=401)
        if authorization is not None and authorization != f"Basic {_basic(login)}":
            return web.json_response({"details": "wrong"}, status=401)
        return web.json_response(self._given(login, request.query.getall("scope", [])))

    async def token_by_post(self, request: web.Request) -> web.Response:
        """The token service's POST, OAuth 2 with a password or a refresh token."""
        login, form = self._login(), {name: str(value) for name, value in (await request.post()).items()}
        self.registry.requests[-1].form.update(form)
        if login.endpoint in {"get", "post-404"}:
            return web.json_response({"details": "not here"}, status=405 if login.endpoint == "get" else 404)
        if form.get("grant_type") == "refresh_token":
            known = form.get("refresh_token") == login.refresh_token is not None
        else:
            known = (form.get("username"), form.get("password")) == (login.username, login.password)
        if not known:
            return web.json_response({"error": "invalid_grant"}, status=401)
        return web.json_response(self._given(login, [form.get("scope", "")]))

    def _given(self, login: Login, scopes: list[str]) -> dict[str, Any]:
        wanted = " ".join(scopes).split()
        granted = [scope for scope in wanted if login.denied is None or not re.search(login.denied, scope)]
        lives = 60.0 if login.expires_in is None else login.expires_in
        text = uuid.uuid4().hex
        self.registry.tokens[text] = Token(time.monotonic() + lives, " ".join(granted), login.uses)
        document: dict[str, Any] = {login.token_member: text}
        if login.expires_in is not None:
            document["expires_in"] = login.expires_in
        if login.issued_at is not None:
            issued = datetime.now(UTC) + timedelta(seconds=login.issued_at)
            document["issued_at"] = issued.isoformat().replace("+00:00", "Z")
        return document

    def _login(self) -> Login:
        login = self.registry.switches.login
        assert login is not None
        return login


def _basic(login: Login) -> str:
    return base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def _scopes(request: web.Request) -> list[str]:
    """What a request needs; of a mount, both repositories."""
    name = request.match_info.get("name")
    if not name:
        return []
    actions = {"GET": "pull", "HEAD": "pull", "DELETE": "delete" if "/manifests/" in request.path else "pull,push"}
    scopes = [f"repository:{name}:{actions.get(request.method, 'pull,push')}"]
    if "mount" in request.query and "from" in request.query:
        scopes.append(f"repository:{request.query['from']}:pull")
    return scopes


def _covers(granted: str, wanted: str) -> bool:
    resource, _, actions = wanted.rpartition(":")
    for scope in granted.split():
        name, _, have = scope.rpartition(":")
        if name == resource and set(actions.split(",")) <= set(have.split(",")):
            return True
    return False
