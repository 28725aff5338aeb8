"""Answers to give instead of the right ones, and what is remembered of each request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PULL_LIMIT: dict[str, object] = {
    "status": 429,
    "headers": {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600"},
    "body": b'{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your unauthenticated pull rate limit. '
    b'https://www.docker.com/increase-rate-limit"}]}',
}
"""Docker Hub's limit of pulls. Use: registry.fail("GET", "/manifests/", **PULL_LIMIT)."""

ABUSE: dict[str, object] = {"status": 429, "headers": {"Retry-After": "1"}, "body": b"Too Many Requests"}
"""Docker Hub's limit of requests from one address, for whatever account."""

SECONDARY_LIMIT: dict[str, object] = {
    "status": 429,
    "headers": {"Retry-After": "1.889377ms"},
    "body": b'{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}',
}
"""GHCR's, with a duration as Go writes it."""

HTML_503: dict[str, object] = {
    "status": 503,
    "headers": {"Content-Type": "text/html"},
    "body": b"<html><head><title>503</title></head><body>backend fetch failed</body></html>",
}
"""A proxy's page for a registry that is away."""

HTML_200: dict[str, object] = {
    "status": 200,
    "headers": {"Content-Type": "text/html"},
    "body": b"<html><body>Please log in to the network</body></html>",
}
"""A captive portal's page."""


@dataclass
class Request:
    """One request as it came; of several query members with one name the values stand in one, with spaces between.

    at: seconds of the monotonic clock. status: of its answer, once there is one. form: what a POST to the token
    service brought. peer: the other end of its connection.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    size: int = 0
    at: float = 0.0
    status: int | None = None
    form: dict[str, str] = field(default_factory=dict)
    peer: object = None


@dataclass
class Failure:
    """An answer to give instead of the right one, this many times, after having let some pass.

    path and query: regular expressions. status 0: the connection is closed without an answer.
    """

    method: str
    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    times: int = 1
    after: int = 0
    query: str = ""

    def takes(self, method: str, path: str, *, query: str = "") -> bool:
        """Whether this request gets the answer; counts it."""
        if self.times <= 0 or self.method not in (method, "*"):
            return False
        if not re.search(self.path, path) or not re.search(self.query, query):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True
