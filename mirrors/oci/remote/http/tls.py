"""What to trust and what to show in TLS connections to one registry, and in which words TLS fails."""

from __future__ import annotations

import functools
import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from yarl import URL

from mirrors.oci.endpoint import Endpoint
from mirrors.oci.errors import Side, TLSFailed

# What OpenSSL calls the alerts about a certificate that come from the other side (RFC 8446, section 6.2).
_CERTIFICATE_ALERT = re.compile(
    r"(?<=ALERT_)(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|CERTIFICATE_UNKNOWN"
    r"|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|DECRYPT_ERROR|ACCESS_DENIED)"
)


def tls_context(endpoint: Endpoint, *, side: Side, with_client_certificate: bool = False) -> ssl.SSLContext:
    """What to trust for this endpoint, and the certificate to show; raises TLSFailed for PEM texts that are none."""
    certificate = endpoint.client_certificate if with_client_certificate else None
    try:
        return _tls_context(endpoint.verify_tls, endpoint.ca_certificates, certificate)
    except _UnusableClientCertificate as error:
        raise TLSFailed(f"The client certificate of the {side} {error}", side=side) from error.__cause__
    except (ValueError, ssl.SSLError) as error:
        raise TLSFailed(
            f"The CA certificates of the {side} cannot be read. Give them as text in PEM format.", side=side
        ) from error


@functools.lru_cache(maxsize=64)  # loading the system's certificates takes 20 ms
def _tls_context(verify: bool, ca_certificates: str | None, client_certificate: str | None) -> ssl.SSLContext:
    if verify:
        context = ssl.create_default_context()
        if ca_certificates:
            context.load_verify_locations(cadata=ca_certificates)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_certificate:
        _load_client_certificate(context, client_certificate)
    return context


def tls_sentence(error: BaseException, *, host: str, side: Side) -> str | None:
    """What to tell of a TLS that failed for the client's certificate or the proxy's; None for all other faults.

    host: `host[:port]` that was to be reached. In TLS 1.3 a client's certificate is refused when the handshake is over
    for the client, so that the refusal comes as the end of a connection.
    """
    if isinstance(error, aiohttp.ClientSSLError) and error.host != URL(f"//{host}").host:
        return (
            f"No TLS connection to the proxy of the {side} comes about: there is no TLS, or its certificate does not "
            f"verify. Check the address of the proxy, and give the {side} the certificate of the proxy's authority."
        )
    if isinstance(error, aiohttp.ClientConnectionError) and isinstance(error.__cause__, TypeError):
        # A TLS that fails inside another one, in older Python 3.11 and 3.12 (github.com/python/cpython/issues/113214).
        return (
            f"No TLS connection to {host} comes about through the proxy of the {side}: the certificate of {host} does "
            f"not verify, or it wants another client certificate. Check the TLS settings of the {side}."
        )
    alert = _CERTIFICATE_ALERT.search(str(getattr(error.__cause__ or error, "reason", "")))
    if alert is None:
        return None
    if alert[0] == "CERTIFICATE_REQUIRED":
        return f"{host} wants a client certificate. Give the {side} one."
    if alert[0] == "CERTIFICATE_EXPIRED":
        return f"The client certificate of the {side} has expired, says {host}. Give the {side} a new one."
    return (
        f"{host} wants another client certificate than it was shown, if any. "
        f"Give the {side} one that is valid and signed by an authority that {host} knows."
    )


class _UnusableClientCertificate(Exception):
    """The rest of the sentence that begins with whose client certificate it is."""


def _load_client_certificate(context: ssl.SSLContext, pem: str) -> None:
    try:
        with _file_with(pem.encode()) as path:
            # Without a password of ours OpenSSL would ask for one on the terminal.
            context.load_cert_chain(path, password="")
    except (ssl.SSLError, ValueError) as error:
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            raise _UnusableClientCertificate(
                "does not belong to the key that was given with it. Give the two that were made for each other."
            ) from error
        raise _UnusableClientCertificate(
            "cannot be read. Give certificate and private key in one text in PEM format, the key without a password."
        ) from error


@contextmanager
def _file_with(content: bytes) -> Iterator[str]:
    """A path to read the content from: ssl loads keys from files alone. In memory where the system has such files."""
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("client-certificate")
        with open(descriptor, "wb", buffering=0) as file:
            file.write(content)
            yield f"/proc/self/fd/{descriptor}"
    else:
        with tempfile.NamedTemporaryFile() as file:  # readable by its owner alone, and gone at the end of the block
            file.write(content)
            file.flush()
            yield file.name
