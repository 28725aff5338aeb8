"""Runs the registry in a thread of its own and remembers every request."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
import time
from typing import Self

from aiohttp import web

from tests.registry.answers import dripped
from tests.registry.blobs import Blobs
from tests.registry.content import StoredTags
from tests.registry.faults import Failure, Request
from tests.registry.login import LoginDesk, Token
from tests.registry.manifests import Manifests
from tests.registry.products import PRODUCTS
from tests.registry.switches import Switches
from tests.registry.tags import Tags
from tests.registry.uploads import Uploads

_NOTED = web.RequestKey("noted", Request)


class FaultyRegistry:
    """A writable registry at `address` (127.0.0.1 and a free port); all of it may be read and changed live.

    requests: every one, in order. repositories: what it holds. tokens: those given out. busiest: the most requests
    that were open at the same time.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.switches = Switches()
        self.requests: list[Request] = []
        self.repositories: dict[str, StoredTags] = {}
        self.tokens: dict[str, Token] = {}
        self.address = ""
        self.busiest = 0
        self.scheme = "https" if tls else "http"
        self._open = 0
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
        return f"{self.scheme}://{self.address}"

    def repository(self, name: str) -> StoredTags:
        """The repository, made if it is not there."""
        return self.repositories.setdefault(name, StoredTags())

    def behave_like(self, product: str) -> None:
        """Set the switches as a product has them; see products.py."""
        for name, value in PRODUCTS[product].items():
            setattr(self.switches, name, value)

    def fail(
        self,
        method: str,
        path: str,
        *,
        status: int,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        times: int = 1,
        after: int = 0,
        query: str = "",
    ) -> None:
        """Answer the next requests that match with this instead, after letting some pass.

        path, query: regular expressions. status 0: close the connection without an answer.
        """
        self._failures.append(Failure(method, path, status, headers or {}, body, times, after, query))

    def heal(self) -> None:
        """Forget the failures that are still to come; the switches stay."""
        self._failures.clear()

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
        desk = LoginDesk(self)
        app = web.Application(middlewares=[self._log, self._misbehave, desk.check], client_max_size=1 << 30)
        app.on_response_prepare.append(self._note_answer)
        for part in (Tags(self), Manifests(self), Uploads(self), Blobs(self), desk):
            app.add_routes(part.routes())
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.address = f"127.0.0.1:{self._runner.addresses[0][1]}"

    async def _note_answer(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self.switches.headers)
        if _NOTED in request:
            request[_NOTED].status = response.status

    @web.middleware
    async def _log(self, request: web.Request, handler):  # type: ignore[no-untyped-def]
        query = {name: " ".join(request.query.getall(name)) for name in request.query}
        size, headers = request.content_length or 0, dict(request.headers)
        request[_NOTED] = Request(request.method, request.path, query, headers, size, time.monotonic())
        request[_NOTED].peer = request.transport and request.transport.get_extra_info("peername")
        self.requests.append(request[_NOTED])
        self._open += 1
        self.busiest = max(self.busiest, self._open)
        try:
            return await handler(request)
        finally:
            self._open -= 1

    @web.middleware
    async def _misbehave(self, request: web.Request, handler):  # type: ignore[no-untyped-def]
        if self.switches.swallow:
            await asyncio.sleep(3600)
        if self.switches.delay:
            await asyncio.sleep(self.switches.delay)
        for failure in self._failures:
            if failure.takes(request.method, request.path, query=request.query_string):
                if not failure.status and request.transport is not None:
                    request.transport.close()
                return web.Response(status=failure.status or 500, headers=failure.headers, body=failure.body)
        response = await handler(request)
        if self.switches.drip and isinstance(response, web.Response) and request.method != "HEAD":
            return await dripped(request, response, pause=self.switches.drip)
        return response
