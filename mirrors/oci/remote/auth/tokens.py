"""Bearer tokens: the requests for them, and what is in the answers. No I/O.

Source: the distribution project's docs/content/spec/auth/{token,oauth}.md, RFC 6749 sections 4.3 and 6.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from yarl import URL

from mirrors.oci.endpoint import Credentials
from mirrors.oci.errors import MalformedAnswer, Side
from mirrors.oci.remote.auth.challenges import Challenge, merge_scopes
from mirrors.oci.remote.http.links import is_usable

DEFAULT_LIFE = 60.0
"""Seconds that a token lives when its server does not say (distribution's token.md)."""
IDENTITY = "<token>"
"""The user name of which Docker's clients know that the password is an identity token, to be traded for others."""
_CLIENT = "mirrorfarm"
_LONGEST_MARGIN = 30.0


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, when it came and when it is over (monotonic clock)."""

    header: str = field(repr=False)
    received_at: float
    expires_at: float

    def lasts(self, seconds: float) -> bool:
        """Whether it can be used for so long from now on, or for half its life where that is shorter.

        A token is given up shortly before its end in any case.
        """
        life = self.expires_at - self.received_at
        spare = max(min(_LONGEST_MARGIN, life * 0.2), min(seconds, life * 0.5))
        return time.monotonic() < self.expires_at - spare

    @property
    def age(self) -> float:
        """Seconds since it came."""
        return time.monotonic() - self.received_at


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A GET with an Authorization header or without one, or a POST of a form."""

    url: URL
    authorization: str | None = field(default=None, repr=False)
    form: bytes | None = field(default=None, repr=False)

    @property
    def has_secret(self) -> bool:
        """Whether credentials are in it."""
        return self.authorization is not None or self.form is not None


@dataclass(frozen=True, slots=True)
class Realm:
    """A token service, as a challenge names it: its URL with a query of its own, and the service to ask for."""

    url: URL
    service: str | None

    @classmethod
    def of(cls, challenge: Challenge) -> Realm | None:
        """The realm of a challenge; None for one that is no URL."""
        try:
            url = URL(challenge.parameters.get("realm", ""))
        except ValueError:
            return None
        return cls(url, challenge.parameters.get("service") or url.query.get("service")) if is_usable(url) else None

    def get(self, scopes: Sequence[str], *, authorization: str | None) -> TokenRequest:
        """Ask by GET, with Basic credentials or anonymously (token.md)."""
        query = [(name, value) for name, value in self.url.query.items() if name not in {"scope", "service"}]
        query += [("service", self.service)] if self.service else []
        query += [("scope", scope) for scope in merge_scopes(scopes)]
        return TokenRequest(self.url.with_query(query).with_fragment(None), authorization)

    def post(self, scopes: Sequence[str], *, grant: Mapping[str, str]) -> TokenRequest:
        """Ask by POST, with a password or a refresh token (oauth.md)."""
        form = {"service": self.service or "", "client_id": _CLIENT, "scope": " ".join(merge_scopes(scopes)), **grant}
        return TokenRequest(self.url.with_fragment(None), form=urlencode(form).encode())


def password_grant(credentials: Credentials) -> dict[str, str]:
    """The members of a form that trades a password."""
    return {"grant_type": "password", "username": credentials.username, "password": credentials.password}


def refresh_grant(refresh_token: str) -> dict[str, str]:
    """The members of a form that trades a refresh token, which an identity token is."""
    return {"grant_type": "refresh_token", "refresh_token": refresh_token}


def read_token(
    content: bytes, *, headers: Mapping[str, str], asked_at: float, host: str, side: Side
) -> tuple[Token, str | None]:
    """The token of an answer, and the refresh token to use from now on where there is a new one.

    asked_at: monotonic; counting from there, not from the answer, errs on the safe side.
    """
    try:
        document = json.loads(content)
        text = document.get("token") or document.get("access_token")
        refresh = document.get("refresh_token")
    except (ValueError, AttributeError, RecursionError):
        document, text, refresh = {}, None, None
    if not isinstance(text, str) or not text.isascii() or not text.isprintable():
        raise MalformedAnswer(f"The token service of {host} answered without a token.", side=side)
    life = _life(document.get("expires_in"))
    expires_at = asked_at + life - _age(document.get("issued_at"), life=life, date=headers.get("Date"))
    token = Token(f"Bearer {text}", asked_at, expires_at)
    return token, refresh if isinstance(refresh, str) and refresh else None


def _life(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return DEFAULT_LIFE
    return seconds if 0 < seconds < float("inf") else DEFAULT_LIFE


def _age(issued_at: Any, *, life: float, date: str | None) -> float:
    """Seconds that a token out of a cache has lived already, by the server's own clock where it tells its time.

    Ours may be minutes off. An age beyond the life, or before the birth, is a clock that is wrong, and is no age.
    """
    try:
        now = parsedate_to_datetime(date).timestamp() if date else time.time()
        age = now - datetime.fromisoformat(issued_at).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return age if 0 < age < life else 0.0
