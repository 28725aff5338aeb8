"""What a registry says about how much it lets us do: the headers before the limit, and the answer beyond it.

Sources: Docker Hub's "Usage and limits", GitHub's "Rate limits for the REST API", Google's "Artifact Registry quotas",
draft-ietf-httpapi-ratelimit-headers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from multidict import istr

from mirrors.oci.errors import LimitKind, RateLimited, Side
from mirrors.oci.remote.http.delays import asked_wait

REMAINING = (istr("RateLimit-Remaining"), istr("X-RateLimit-Remaining"))
_COUNT = re.compile(r"\s*(\d{1,15})", re.ASCII)
_WINDOW = re.compile(r"[;,]\s*(?:w|window)=\"?(\d{1,9})", re.ASCII)
_SOURCE = re.compile(r"[0-9A-Za-z.:_/-]{1,64}")
_PULLS = re.compile(r"pull rate limit|increase-rate-limit|download-rate-limit")
_BARE = re.compile(r"\s*(too many requests|toomanyrequests|rate exceeded)\b[^{<]{0,200}")
_ADVICE = {
    LimitKind.ABUSE: "It finds too many requests coming from our address. Wait some minutes, and give it fewer "
    "connections at a time.",
    LimitKind.SECONDARY: "It finds our requests too close together. Wait some minutes, and give it fewer connections "
    "at a time.",
    LimitKind.QUOTA: "Its quota of requests is used up. Wait, or have the quota raised.",
    LimitKind.UNKNOWN: "Wait, and try again later.",
}


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What the newest answer said of the registry's limit of pulls or requests.

    limit: of how many, None where not said. remaining: how many are left. window: seconds in which they are counted.
    source: whom they are counted for, an address or an account, as Docker Hub says it.
    """

    limit: int | None
    remaining: int
    window: float | None = None
    source: str | None = None


def read_rate_limit(headers: Mapping[str, str]) -> RateLimit | None:
    """The limit in these headers, or None: without any, nothing is limited, or nobody says so."""
    for prefix in ("RateLimit", "X-RateLimit"):
        remaining = headers.get(f"{prefix}-Remaining", "")
        if (left := _count(remaining)) is None:
            continue
        limit = headers.get(f"{prefix}-Limit", "")
        window = _WINDOW.search(limit) or _WINDOW.search(remaining)
        source = headers.get("Docker-RateLimit-Source", "")
        seconds = float(window[1]) if window else None
        return RateLimit(_count(limit), left, seconds, source if _SOURCE.fullmatch(source) else None)
    return None


def rate_limited(
    headers: Mapping[str, str], content: bytes, *, host: str, side: Side, suffix: str, with_credentials: bool
) -> RateLimited:
    """The error for a 429, which kind of limit it is, and a sentence that says what to do about it."""
    kind, wait = limit_kind(headers, content), asked_wait(headers)
    if kind is LimitKind.PULLS:
        return pulls_used_up(host=host, side=side, with_credentials=with_credentials, retry_after=wait)
    text = f"{host} asks for a pause before more requests{suffix}. {_ADVICE[kind]}"
    return RateLimited(text, side=side, retry_after=wait, limit=kind)


def pulls_used_up(*, host: str, side: Side, with_credentials: bool, retry_after: float | None) -> RateLimited:
    """The error for a limit of pulls that is reached."""
    if with_credentials:
        advice = "Wait until its limit is renewed, or use an account that may pull more."
    else:
        advice = "Wait until its limit is renewed, or log in: an account may pull more than an anonymous user."
    text = f"{host} allows the {side} no more pulls for now. {advice}"
    return RateLimited(text, side=side, retry_after=retry_after, limit=LimitKind.PULLS)


def limit_kind(headers: Mapping[str, str], content: bytes) -> LimitKind:
    """Which limit a 429 is about. Docker Hub tells its two apart by the link in the text of the one."""
    text = content[:4096].decode(errors="replace").lower()
    if "secondary rate limit" in text:
        return LimitKind.SECONDARY
    if _PULLS.search(text) or _is_used_up(headers):
        return LimitKind.PULLS
    if "quota" in text or "resource_exhausted" in text:
        return LimitKind.QUOTA
    if "abuse" in text or _BARE.fullmatch(text):
        return LimitKind.ABUSE
    return LimitKind.UNKNOWN


def _is_used_up(headers: Mapping[str, str]) -> bool:
    # Pulls are counted over hours. Limits of requests have windows of seconds, or none, and X- names.
    limit = read_rate_limit(headers)
    return limit is not None and limit.remaining == 0 and (limit.window or 0) >= 3600


def _count(value: str) -> int | None:
    found = _COUNT.match(value)
    return int(found[1]) if found else None
