"""Whether a registry whose TLS is not verified has TLS at all."""

from __future__ import annotations

import re

from yarl import URL

from mirrors.oci.errors import ConnectionFailed, OCIError, RegistryTimeout, TLSFailed
from mirrors.oci.remote.transport import Transport

# What a server that wants TLS answers to plain HTTP: go there by TLS, or 400.
_WANTS_TLS = frozenset({301, 302, 303, 307, 308, 400})
# OpenSSL on an answer that is no TLS record: it was HTTP, and no further question is needed.
_NOT_TLS = re.compile("WRONG_VERSION_NUMBER|HTTP_REQUEST|UNKNOWN_PROTOCOL|RECORD_LAYER_FAILURE", re.IGNORECASE)


async def find_root(transport: Transport, host: str) -> URL:
    """`https://host/` where that answers, else `http://host/` where that does; raises an OCIError where neither does.

    A TLS that is only down for a moment is an error: it must not send credentials in the clear, and for good.
    """
    try:
        return (await _probe(transport, URL(f"https://{host}/")))[0]
    except (TLSFailed, ConnectionFailed, RegistryTimeout) as error:
        plain = URL(f"http://{host}/")
        if _NOT_TLS.search(str(error.__cause__)):
            return plain
        try:
            root, status = await _probe(transport, plain)
        except OCIError:
            raise error from None
        if status in _WANTS_TLS:
            raise
        return root


async def _probe(transport: Transport, root: URL) -> tuple[URL, int]:
    exchange = await transport.send("GET", root / "v2/", headers={})
    exchange.close()
    return root, exchange.status
