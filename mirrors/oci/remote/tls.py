"""What to trust and what to show in TLS connections to one registry, and in which words TLS fails."""

from __future__ import annotations

import functools
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from mirrors.oci.endpoint import Endpoint
from mirrors.oci.errors import Side, TLSFailed


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
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca_certificates:
        context.load_verify_locations(cadata=ca_certificates)
    if client_certificate:
        _load_client_certificate(context, client_certificate)
    return context


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
