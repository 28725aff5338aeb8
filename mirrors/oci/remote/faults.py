"""Turns what aiohttp, ssl and the socket raise, and what a registry answers, into the OCIError tree.

Every sentence names the host and what to do. None repeats a URL's query, a header, or the registry's own words,
which may hold tokens.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Mapping

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
from mirrors.oci.remote.challenges import parse_challenges
from mirrors.oci.remote.delays import asked_wait
from mirrors.oci.remote.rate_limits import rate_limited
from mirrors.oci.remote.tls import tls_sentence

NETWORK_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)
SAFE_CAUSES = (aiohttp.ClientConnectorError, aiohttp.ServerConnectionError, aiohttp.ClientPayloadError, ssl.SSLError)
"""Those whose texts hold no URL; those of the others may, with the signature in its query."""
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,60}")
_NO_TLS = re.compile(
    r"WRONG_VERSION_NUMBER|HTTP_REQUEST|UNKNOWN_PROTOCOL|RECORD_LAYER_FAILURE|UNEXPECTED_EOF", re.IGNORECASE
)


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


def answer_error(
    status: int,
    *,
    headers: MultiMapping[str],
    content: bytes,
    host: str,
    side: Side,
    what: str,
    own: bool,
    with_credentials: bool,
) -> OCIError:
    """The OCIError for an unwelcome answer. own: of the registry itself, and not of the storage behind it."""
    if status in {400, 401, 403} and not own:
        # A signed storage address that has expired: the registry will sign a new one.
        return RegistryFault(f"The storage behind {host} refused {what}. It is worth trying again.", side=side)
    codes = error_codes(content)
    if status == 401 or (
        status == 403 and not {"TOOMANYREQUESTS", "UNSUPPORTED"} & set(codes) and "QUOTA" not in str(codes)
    ):
        known = any(
            challenge.parameters.get("error") == "insufficient_scope"
            for challenge in parse_challenges(headers.getall("WWW-Authenticate", ()))
        )
        return auth_failed(host, side=side, with_credentials=with_credentials, known=known)
    return status_error(
        status,
        headers=headers,
        content=content,
        host=host,
        side=side,
        what=what,
        with_credentials=with_credentials,
    )


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


def status_error(
    status: int,
    *,
    headers: Mapping[str, str],
    content: bytes,
    host: str,
    side: Side,
    what: str,
    with_credentials: bool = False,
) -> OCIError:
    """The OCIError for an answer with an unwelcome status, other than 401 and 403. what: `tag v1 of library/app`.

    with_credentials: whether we have any, for the advice.
    """
    codes = error_codes(content)
    suffix = f" ({', '.join(codes)})" if codes else f" (HTTP {status})"
    if status == 429 or "TOOMANYREQUESTS" in codes:
        return rate_limited(headers, content, host=host, side=side, suffix=suffix, with_credentials=with_credentials)
    if status in {507} or any("QUOTA" in code for code in codes):
        return QuotaExceeded(f"{host} has no room left for {what}{suffix}. Free some, or raise the quota.", side=side)
    if status == 404:
        return NotFound(
            f"{host} has no {what}, or gives no access to it{suffix}. Check the name, and the credentials.", side=side
        )
    if status == 405 or status == 501 or "UNSUPPORTED" in codes:
        return Unsupported(f"{host} does not support this for {what}{suffix}.", side=side)
    if status == 412:
        return ImmutableTag(f"The rules of {host} do not let {what} change{suffix}.", side=side)
    if status == 408 or status >= 500:
        return RegistryFault(
            f"{host} failed over {what}{suffix}. It is worth trying again later.",
            side=side,
            retry_after=asked_wait(headers),
        )
    if "MANIFEST_BLOB_UNKNOWN" in codes:
        return Incomplete(f"{host} says it lacks a part of {what}{suffix}. It is worth trying again later.", side=side)
    if status >= 400:
        return Refused(f"{host} refused {what}{suffix}.", side=side)
    return MalformedAnswer(f"{host} answered {what} with HTTP {status}, which a registry does not do.", side=side)


def error_codes(content: bytes) -> list[str]:
    """The codes of a registry's error body; nothing for an HTML page or any other surprise."""
    try:
        errors = json.loads(content)["errors"]
        codes = [error["code"] for error in errors]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [code for code in codes[:5] if isinstance(code, str) and _CODE.fullmatch(code)]


def _tls_sentence(error: BaseException, *, host: str, side: Side) -> str:
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError)):
        return (
            f"The certificate of {host} does not verify. Give the {side} the certificate of its authority, "
            "or switch the verification of TLS off for it."
        )
    if _NO_TLS.search(str(error)):
        return f"{host} does not speak TLS. Switch the verification of TLS off for the {side} to use plain HTTP."
    return f"No TLS connection to {host} comes about. Check the TLS settings of the {side}."
