"""What the registry can be told, and what it remembers of each request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass
class Login:
    """How the registry wants its clients to log in. scheme: bearer or basic.

    expires_in: seconds, left out of the answer where None. token_member: `token` or `access_token`.
    """

    scheme: str = "bearer"
    username: str = "user"
    password: str = "password"
    anonymous: bool = False
    expires_in: float | None = 300
    token_member: str = "token"
    realm: str | None = None


@dataclass
class Switches:
    """Everything that can be switched while the registry runs; the defaults are a registry that does it all right.

    link: relative, absolute, foreign (another host) or loop. blobs: whole, truncated, corrupt or dripping.
    mounts: yes, 202 or 403. deletes: tags, digests or none. uploads: any, patch (no body in a PUT), or closing
    (the connection, in the middle). locations: relative, absolute or state (with a query of its own).
    """

    login: Login | None = None
    tag_page_size: int | None = None
    link: str = "relative"
    odd_tags: bool = False
    digest_header: str = "right"
    head_manifests: bool = True
    blobs: str = "whole"
    blob_redirect: str | None = None
    mounts: str = "yes"
    deletes: str = "tags"
    uploads: str = "any"
    locations: str = "relative"
    sparse_indexes: bool = True
    swallow: bool = False
    delay: float = 0.0


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    size: int = 0


@dataclass
class Failure:
    """An answer to give instead of the right one, this many times."""

    method: str
    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    times: int = 1

    def takes(self, method: str, path: str) -> bool:
        """Whether this request gets the answer; counts it."""
        if self.times <= 0 or self.method not in (method, "*") or not re.search(self.path, path):
            return False
        self.times -= 1
        return True
