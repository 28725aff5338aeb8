"""Certificates that administrators give, looked at before they are kept."""

from __future__ import annotations

import ssl

from mirrors.errors import InvalidInput
from mirrors.oci import Endpoint, OCIError, Side
from mirrors.oci.remote.http.tls import tls_context


def check_authorities(text: str) -> None:
    """Raise InvalidInput unless this is PEM text of certificates that can be trusted."""
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidInput("Give certificates as text in PEM format.", field="ca_certificate") from error


def check_client_certificate(text: str) -> None:
    """Raise InvalidInput unless this is PEM text of a certificate and its own key, which needs no password."""
    endpoint = Endpoint(registry="registry.invalid", client_certificate=text)
    try:
        tls_context(endpoint, side=Side.TARGET, with_client_certificate=True)
    except OCIError as error:
        raise InvalidInput(error.message, field="client_certificate") from error
