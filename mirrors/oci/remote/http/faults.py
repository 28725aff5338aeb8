"""Turns what aiohttp, ssl and the socket raise, and what a registry answers, into the OCIError tree.

Every sentence names the host and what to do. None repeats a URL's query, a header, or the registry's own words,
which may hold tokens.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Collection, Mapping

import aiohttp
from multidict import MultiMapping

from mirrors.oci.errors import (
    AuthFailed,
    ConnectionFailed,
    ImmutableTag,
    Incomplete,
    MalformedAnswer,
    NameNotResolved,
    NotFound,
    OCIError,
    QuotaExceeded,
    Refused,
    RegistryFault,
    RegistryTimeout,
    Side,
    TLSFailed,
    Unsupported,
)
from mirrors.oci.remote.auth.challenges import parse_challenges
from mirrors.oci.remote.http.delays import asked_wait
from mirrors.oci.remote.http.tls import tls_sentence
from mirrors.oci.remote.limits.rate_limits import rate_limited

NETWORK_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)
SAFE_CAUSES = (aiohttp.ClientConnectorError, aiohttp.ServerConnectionError, aiohttp.ClientPayloadError, ssl.SSLError)
"""Those whose texts hold no URL; those of the others may, with the signature in its query."""
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,60}")
# Harbor answers 412 or 403 to both; ECR, Artifact Registry and others 400, 403 or 409 to a tag that may not move.
_BY_RULE = frozenset({400, 403, 409, 412, 413})
_QUOTA = re.compile(r"\bquota\b")
_RATE_LIMIT = re.compile(rb"exceeded a secondary rate limit|API rate limit exceeded", re.IGNORECASE)
_IMMUTABLE = re.compile(r"\bimmutable\b|\btag\b.{0,200}\balready exists\b")
_NO_TLS = re.compile(
    r"WRONG_VERSION_NUMBER|HTTP_REQUEST|UNKNOWN_PROTOCOL|RECORD_LAYER_FAILURE|UNEXPECTED_EOF", re.IGNORECASE
)


def is_complaint(error: BaseException) -> bool:
    """Whether a request failed as it does where a host has too much to do: cut off, or left without an answer.

    What comes before a request, such as names, TLS and the first connection, says nothing about that.
    """
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ClientSSLError, aiohttp.ConnectionTimeoutError)):
        return False
    return isinstance(error, (TimeoutError, OSError, aiohttp.ServerConnectionError, aiohttp.ClientPayloadError))


def network_error(error: BaseException, *, host: str, side: Side) -> OCIError:
    """The OCIError for a request that got no usable answer."""
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return ConnectionFailed(f"The proxy of the {side} cannot be reached. Check its proxy settings.", side=side)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ConnectionFailed(
            f"The proxy of the {side} refused to connect to {host} (HTTP {error.status}). Check its proxy settings.",
            side=side,
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return NameNotResolved(f"{host} is not a name that can be found. Check the spelling of the {side}.", side=side)
    if sentence := tls_sentence(error, host=host, side=side):
        return TLSFailed(sentence, side=side)
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return TLSFailed(_tls_sentence(error, host=host, side=side), side=side)
    if isinstance(error, TimeoutError):
        return RegistryTimeout(
            f"{host} did not answer in time. Check that the {side} is up and reachable from here.", side=side
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return ConnectionFailed(f"{host} does not accept connections. Check host and port of the {side}.", side=side)
    if isinstance(error, aiohttp.ClientPayloadError):
        return ConnectionFailed(f"{host} broke its answer off. It is worth trying again.", side=side)
    if isinstance(error, aiohttp.ClientResponseError):
        return MalformedAnswer(f"{host} does not answer in HTTP. Check host and port of the {side}.", side=side)
    return ConnectionFailed(f"{host} closed the connection. It is worth trying again.", side=side)


def status_error(
    status: int,
    *,
    headers: MultiMapping[str],
    content: bytes,
    host: str,
    side: Side,
    what: str,
    own: bool = True,
    with_credentials: bool = False,
) -> OCIError:
    """The OCIError for an answer with an unwelcome status. what: `tag v1 of library/app`.

    own: the registry itself has answered, and not the storage behind it. with_credentials: whether it was shown any.
    """
    if status in {400, 401, 403} and not own:
        # A signed storage address that has expired: the registry will sign a new one.
        return RegistryFault(f"The storage behind {host} refused {what}. It is worth trying again.", side=side)
    if status == 401:
        return _refused_login(headers, host=host, side=side, with_credentials=with_credentials)
    codes, said = error_codes(content), _said(content)
    suffix = f" ({', '.join(codes)})" if codes else f" (HTTP {status})"
    # GitHub's limits come with either status.
    if status == 429 or "TOOMANYREQUESTS" in codes or (status == 403 and _RATE_LIMIT.search(content[:4096])):
        return rate_limited(headers, content, host=host, side=side, suffix=suffix, with_credentials=with_credentials)
    if status == 507 or "QUOTA" in " ".join(codes) or (status in _BY_RULE and _QUOTA.search(said)):
        return QuotaExceeded(f"{host} has no room left for {what}{suffix}. Free some, or raise the quota.", side=side)
    if status == 412 or (status in _BY_RULE and _IMMUTABLE.search(said)):
        return ImmutableTag(
            f"The rules of {host} do not let {what} change{suffix}. Leave the tag out, or change the rule there.",
            side=side,
        )
    if status == 403 and "UNSUPPORTED" not in codes:
        return _refused_login(headers, host=host, side=side, with_credentials=with_credentials)
    return _other_error(status, codes=codes, headers=headers, suffix=suffix, host=host, side=side, what=what)


def auth_failed(host: str, *, side: Side, with_credentials: bool, known: bool = False) -> AuthFailed:
    """The sentence for credentials that are wrong, missing, or not enough. known: they are right, but not enough."""
    if with_credentials and known:
        right = "pull from" if side is Side.SOURCE else "push to"
        text = f"{host} knows the credentials of the {side}, but gives them no right to {right} this repository. "
        text += "Have it granted, or use other credentials."
    elif with_credentials:
        text = f"{host} refused the credentials of the {side}. Check user name and password, and their rights."
    else:
        text = f"{host} has no such public repository, or wants credentials. Give the {side} a user name and password."
    return AuthFailed(text, side=side)


def _refused_login(headers: MultiMapping[str], *, host: str, side: Side, with_credentials: bool) -> AuthFailed:
    challenges = parse_challenges(headers.getall("WWW-Authenticate", ()))
    known = any(challenge.parameters.get("error") == "insufficient_scope" for challenge in challenges)
    return auth_failed(host, side=side, with_credentials=with_credentials, known=known)


def _other_error(
    status: int, *, codes: Collection[str], headers: Mapping[str, str], suffix: str, host: str, side: Side, what: str
) -> OCIError:
    if status == 404:
        return NotFound(
            f"{host} has no {what}, or gives no access to it{suffix}. Check the name, and the credentials.", side=side
        )
    if status == 405 or status == 501 or "UNSUPPORTED" in codes:
        return Unsupported(f"{host} does not support this for {what}{suffix}.", side=side)
    if status == 408 or status >= 500:
        return RegistryFault(
            f"{host} failed over {what}{suffix}. It is worth trying again later.",
            side=side,
            retry_after=asked_wait(headers),
        )
    if "MANIFEST_BLOB_UNKNOWN" in codes:
        return Incomplete(f"{host} says it lacks a part of {what}{suffix}. It is worth trying again later.", side=side)
    if status == 413:
        return Refused(
            f"{host} refused {what}, which is too large for it (HTTP 413). Raise its limit, or the one of its proxy.",
            side=side,
        )
    if status >= 400:
        return Refused(f"{host} refused {what}{suffix}.", side=side)
    return MalformedAnswer(f"{host} answered {what} with HTTP {status}, which a registry does not do.", side=side)


def error_codes(content: bytes) -> list[str]:
    """The codes of a registry's error body; nothing for an HTML page or any other surprise."""
    return [code for code in _members(content, "code") if _CODE.fullmatch(code)]


def _said(content: bytes) -> str:
    """The registry's own words. They are looked at where its code is DENIED for everything, and never shown."""
    return " ".join(_members(content, "message")).lower()


def _members(content: bytes, name: str) -> list[str]:
    try:
        values = [error[name] for error in json.loads(content)["errors"][:5]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [value for value in values if isinstance(value, str)]


def _tls_sentence(error: BaseException, *, host: str, side: Side) -> str:
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError)):
        return (
            f"The certificate of {host} does not verify. Give the {side} the certificate of its authority, "
            "or switch the verification of TLS off for it."
        )
    if _NO_TLS.search(str(error)):
        return f"{host} does not speak TLS. Switch the verification of TLS off for the {side} to use plain HTTP."
    return f"No TLS connection to {host} comes about. Check the TLS settings of the {side}."
