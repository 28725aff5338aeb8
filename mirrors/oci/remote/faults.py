"""Turns what aiohttp, ssl and the socket raise, and what a registry answers, into the OCIError tree.

Every sentence names the host and what to do. None repeats a URL's query, a header, or the registry's own words,
which may hold tokens.
"""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import aiohttp

from mirrors.oci.errors import (
    ConnectionFailed,
    ImmutableTag,
    Incomplete,
    MalformedAnswer,
    NameNotResolved,
    NotFound,
    OCIError,
    QuotaExceeded,
    RateLimited,
    Refused,
    RegistryFault,
    RegistryTimeout,
    Side,
    TLSFailed,
    Unsupported,
)

NETWORK_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)
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
    status: int, *, headers: Mapping[str, str], content: bytes, host: str, side: Side, what: str
) -> OCIError:
    """The OCIError for an answer with an unwelcome status, other than 401 and 403. what: `tag v1 of library/app`."""
    codes = error_codes(content)
    suffix = f" ({', '.join(codes)})" if codes else f" (HTTP {status})"
    if status == 429 or "TOOMANYREQUESTS" in codes:
        return RateLimited(
            f"{host} asks for a pause before more requests{suffix}.",
            side=side,
            retry_after=retry_after(headers.get("Retry-After")),
        )
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
            retry_after=retry_after(headers.get("Retry-After")),
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


def retry_after(value: str | None, *, now: float | None = None) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date; None for nonsense. now: seconds since 1970."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - (time.time() if now is None else now)
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds) if seconds < float("inf") else None


def _tls_sentence(error: BaseException, *, host: str, side: Side) -> str:
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError)):
        return (
            f"The certificate of {host} does not verify. Give the {side} the certificate of its authority, "
            "or switch the verification of TLS off for it."
        )
    if _NO_TLS.search(str(error)):
        return f"{host} does not speak TLS. Switch the verification of TLS off for the {side} to use plain HTTP."
    return f"No TLS connection to {host} comes about. Check the TLS settings of the {side}."
