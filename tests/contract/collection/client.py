"""The collection's HTTP: urllib, ten seconds, JSON both ways, and fixed rules for what an answer means."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

TIMEOUT = 10
READ_FIRST = ("message", "title", "error_type", "error_message", "detail")
"""Where a person is shown the reason from: the first of these keys alone."""


class ModuleFailed(Exception):
    """The task fails, with this text."""


@dataclass(frozen=True)
class Call:
    """A call as the server answered it."""

    method: str
    path: str
    status: int

    @property
    def writes(self) -> bool:
        """Whether it was meant to change something."""
        return self.method != "GET"

    def __str__(self) -> str:
        return f"{self.method} {self.path} -> {self.status}"


@dataclass
class Answer:
    """Status, headers in any case, and the body; None where it is empty."""

    status: int
    headers: Message
    body: Any


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        """None: the collection reads the Location itself."""
        return


@dataclass
class Client:
    """One module's run against `host`, with a token, with user name and password, or as nobody."""

    host: str
    token: str | None = None
    calls: list[Call] = field(default_factory=list)
    csrf: str = ""
    cookie: str = ""
    _opener: OpenerDirector = field(default_factory=lambda: build_opener(_NoRedirects))

    @property
    def writes(self) -> list[str]:
        """What it asked to be changed, as `METHOD path`."""
        return [f"{call.method} {call.path}" for call in self.calls if call.writes]

    def forget(self) -> None:
        """Begin the next module's run."""
        self.calls.clear()

    def sign_in(self, username: str, password: str) -> None:
        """The session of those who give a user name and a password instead of a token."""
        self.csrf = self.send("GET", "/csrf_token").body["csrf_token"]
        answer = self.send("POST", "/api/v1/signin", {"username": username, "password": password})
        if answer.status != 200:
            raise ModuleFailed(f"You do not have permission to POST /api/v1/signin (HTTP {answer.status})")
        assert answer.body == {"success": True}
        self.csrf = answer.headers["X-Next-CSRF-Token"]
        assert self.csrf, "the collection cannot go on without X-Next-CSRF-Token"

    def sign_out(self) -> None:
        """At the end of a module; nobody looks at the answer."""
        self.send("POST", "/api/v1/signout")

    def get(self, path: str, *, none: Collection[int] = (404,), **query: Any) -> Any:
        """The object; None for one of the statuses in `none`."""
        answer = self._call("GET", path, query=query, allowed=none)
        if answer.status == 200:
            return answer.body
        if answer.status in none:
            return None
        raise self._failure("GET", path, answer)

    def post(self, path: str, body: Any = None) -> Any:
        """The answer's body."""
        return self._write("POST", path, body)

    def put(self, path: str, body: Any = None) -> Any:
        """The answer's body."""
        return self._write("PUT", path, body)

    def delete(self, path: str) -> bool:
        """Whether something was there to be deleted."""
        answer = self._call("DELETE", path)
        if answer.status in (200, 201, 202, 204):
            return True
        if answer.status in (400, 404):
            return False
        raise self._failure("DELETE", path, answer)

    def post_form(self, path: str, values: dict[str, str]) -> Answer:
        """A form instead of JSON, for /oauth/authorizeapp."""
        return self.send("POST", path, urlencode(values).encode(), content_type="application/x-www-form-urlencoded")

    def send(self, method: str, path: str, body: Any = None, *, content_type: str = "application/json") -> Answer:
        """A call, whatever its answer."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.cookie:
            headers["Cookie"] = self.cookie
        if self.csrf:
            headers["X-CSRF-Token"] = self.csrf
        request = Request(f"{self.host}{path}", data=data, headers=headers, method=method)
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                return self._answer(method, path, response.status, response.headers, response.read())
        except HTTPError as error:
            with error:
                return self._answer(method, path, error.code, error.headers, error.read())

    def _write(self, method: str, path: str, body: Any) -> Any:
        answer = self._call(method, path, body)
        if answer.status in (200, 201, 204):
            return answer.body
        raise self._failure(method, path, answer)

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
        allowed: Collection[int] = (),
    ) -> Answer:
        address = f"/api/v1/{quote(path, safe='/+')}" + (f"?{urlencode(query)}" if query else "")
        answer = self.send(method, address, body)
        if answer.status >= 500:
            raise ModuleFailed(f"{method} {path}: HTTP {answer.status}")
        if answer.status in {401, 403, 405} - set(allowed):
            raise ModuleFailed(f"You do not have permission to {method} {path} (HTTP {answer.status})")
        return answer

    def _answer(self, method: str, path: str, status: int, headers: Message, content: bytes) -> Answer:
        self.calls.append(Call(method, path.removeprefix("/api/v1/"), status))
        if cookies := headers.get_all("Set-Cookie"):
            self.cookie = "; ".join(cookie.split(";")[0] for cookie in cookies)
        try:
            body = json.loads(content) if content and status not in (301, 302, 303, 307, 308) else None
        except ValueError as error:
            raise ModuleFailed(f"Failed to parse the JSON response: {content[:200]!r}") from error
        return Answer(status, headers, body)

    def _failure(self, method: str, path: str, answer: Answer) -> ModuleFailed:
        body = answer.body if isinstance(answer.body, dict) else {}
        reason = next((body[key] for key in READ_FIRST if key in body), "")
        return ModuleFailed(f"Unable to {method} {path}: HTTP {answer.status}: {reason}")
