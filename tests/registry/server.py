"""Runs the registry in a thread of its own, logs every request, and asks for logins."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import threading
import time
import uuid
from typing import Self

from aiohttp import web

from tests.registry.content import StoredTags
from tests.registry.handlers import Handlers
from tests.registry.switches import Failure, Login, Request, Switches


class FaultyRegistry:
    """A writable registry at `address` (127.0.0.1 and a free port); all of it may be read and changed live."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.switches = Switches()
        self.requests: list[Request] = []
        self.repositories: dict[str, StoredTags] = {}
        self.tokens: dict[str, tuple[float, str]] = {}
        self.address = ""
        self._failures: list[Failure] = []
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._runner is not None
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def url(self) -> str:
        """Scheme and address."""
        return f"http{'s' if self._tls else ''}://{self.address}"

    def repository(self, name: str) -> StoredTags:
        """The repository, made if it is not there."""
        return self.repositories.setdefault(name, StoredTags())

    def fail(
        self,
        method: str,
        path: str,
        *,
        status: int,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        times: int = 1,
    ) -> None:
        """Answer the next requests that match (path: a regular expression) with this instead."""
        self._failures.append(Failure(method, path, status, headers or {}, body, times))

    def count(self, method: str = "", path: str = "") -> int:
        """How many requests came with this method (any, if empty) and a path that the expression matches."""
        return len(self.seen(method, path))

    def seen(self, method: str = "", path: str = "") -> list[Request]:
        """Those requests."""
        return [
            request
            for request in self.requests
            if (not method or request.method == method) and re.search(path, request.path)
        ]

    async def _start(self) -> None:
        app = web.Application(middlewares=[self._log, self._misbehave, self._check_login], client_max_size=1 << 30)
        app.add_routes([*Handlers(self).routes(), web.get("/token", self._token)])
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.address = f"127.0.0.1:{self._runner.addresses[0][1]}"

    @web.middleware
    async def _log(self, request: web.Request, handler):  # type: ignore[no-untyped-def]
        size = request.content_length or 0
        self.requests.append(Request(request.method, request.path, dict(request.query), dict(request.headers), size))
        return await handler(request)

    @web.middleware
    async def _misbehave(self, request: web.Request, handler):  # type: ignore[no-untyped-def]
        if self.switches.swallow:
            await asyncio.sleep(3600)
        if self.switches.delay:
            await asyncio.sleep(self.switches.delay)
        for failure in self._failures:
            if failure.takes(request.method, request.path):
                return web.Response(status=failure.status, headers=failure.headers, body=failure.body)
        return await handler(request)

    @web.middleware
    async def _check_login(self, request: web.Request, handler):  # type: ignore[no-untyped-def]
        login = self.switches.login
        if login is None or not request.path.startswith("/v2/") or self._is_allowed(request, login):
            return await handler(request)
        if login.scheme == "basic":
            challenge = 'Basic realm="tests, all of them"'
        else:
            realm = login.realm or f"{self.url}/token?kept=yes"
            challenge = f'Bearer realm="{realm}",service="tests",scope="{_scope(request)}"'
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": challenge}, text="<html>log in</html>")

    def _is_allowed(self, request: web.Request, login: Login) -> bool:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if login.scheme == "basic":
            return value == _basic(login)
        expires, scope = self.tokens.get(value, (0.0, ""))
        wanted = _scope(request)
        return scheme == "Bearer" and time.monotonic() < expires and (not wanted or _covers(scope, wanted))

    async def _token(self, request: web.Request) -> web.Response:
        login = self.switches.login
        assert login is not None
        authorization = request.headers.get("Authorization")
        if authorization is None and not login.anonymous:
            return web.json_response({"details": "who are you?"}, status=401)
        if authorization is not None and authorization != f"Basic {_basic(login)}":
            return web.json_response({"details": "wrong"}, status=401)
        token = uuid.uuid4().hex
        lives = 60.0 if login.expires_in is None else login.expires_in
        self.tokens[token] = (time.monotonic() + lives, " ".join(request.query.getall("scope", [])))
        expiry = {} if login.expires_in is None else {"expires_in": login.expires_in}
        return web.json_response({login.token_member: token, **expiry})


def _basic(login: Login) -> str:
    return base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def _scope(request: web.Request) -> str:
    name = request.match_info.get("name")
    actions = {"GET": "pull", "HEAD": "pull", "DELETE": "delete" if "/manifests/" in request.path else "pull,push"}
    return f"repository:{name}:{actions.get(request.method, 'pull,push')}" if name else ""


def _covers(granted: str, wanted: str) -> bool:
    resource, _, actions = wanted.rpartition(":")
    for scope in granted.split():
        name, _, have = scope.rpartition(":")
        if name == resource and set(actions.split(",")) <= set(have.split(",")):
            return True
    return False
