"""Where a registry's API is: by TLS or not, its own URLs, and which of the addresses it gives may be gone to."""

from __future__ import annotations

import asyncio
import re

from yarl import URL

from mirrors.oci.concurrency import Together
from mirrors.oci.endpoint import Endpoint
from mirrors.oci.errors import ConnectionFailed, MalformedAnswer, OCIError, RegistryTimeout, Side, TLSFailed
from mirrors.oci.remote.http.links import is_usable
from mirrors.oci.remote.http.transport import Transport

# What a server that wants TLS answers to plain HTTP: go there by TLS, or 400.
_WANTS_TLS = frozenset({301, 302, 303, 307, 308, 400})
# OpenSSL on an answer that is no TLS record: it was HTTP, and no further question is needed.
_NOT_TLS = re.compile("WRONG_VERSION_NUMBER|HTTP_REQUEST|UNKNOWN_PROTOCOL|RECORD_LAYER_FAILURE", re.IGNORECASE)


class Home:
    """The root of one registry. Where TLS is not verified, whether there is any is found out by the first request."""

    def __init__(self, endpoint: Endpoint, *, side: Side, transport: Transport, patience: float) -> None:
        self._endpoint = endpoint
        self._side = side
        self._transport = transport
        self._patience = patience
        self._finding: Together[URL] = Together()
        self.root: URL | None = URL(f"https://{endpoint.api_host}/") if endpoint.verify_tls else None

    async def url(self, path: str) -> URL:
        """The full URL of a path of this registry; raises MalformedAnswer for what is none, out of a link it sent."""
        if not path.startswith("/"):  # right behind the host, anything else would be a part of its name
            raise self._unreadable()
        root = self.root or await self._settle()
        return URL(f"{root.scheme}://{self._endpoint.api_host}{path}", encoded=True)

    def owns(self, url: URL) -> bool:
        """Whether this is the registry itself: no other host is shown credentials."""
        root = self.root
        return root is not None and (url.scheme, url.host, url.port) == (root.scheme, root.host, root.port)

    async def joined(self, base: URL, location: str) -> URL:
        """A Location the registry gave, relative or absolute; raises MalformedAnswer for one that is no URL.

        A registry behind a TLS proxy often believes itself to be at http://: its own host keeps our scheme. Where TLS
        is verified, no other host is gone to without it, neither for content nor with it.
        """
        host = self._endpoint.registry
        try:
            url = base.join(URL(location, encoded=True)) if location else URL()
        except ValueError:
            url = URL()
        if not is_usable(url):
            raise self._unreadable()
        root = self.root or await self._settle()
        if url.host == root.host and url.scheme != root.scheme and url.explicit_port in (None, root.explicit_port):
            return URL(f"{root.origin()}{url.raw_path_qs}", encoded=True)
        if url.scheme == "http" and self._endpoint.verify_tls:
            raise MalformedAnswer(f"{host} redirects to plain HTTP, which is not followed.", side=self._side)
        return url

    def _unreadable(self) -> MalformedAnswer:
        return MalformedAnswer(f"{self._endpoint.registry} sent an address that cannot be read.", side=self._side)

    async def _settle(self) -> URL:
        # All who ask meanwhile share the answer, and a dead host's failure: each alone would wait for it anew.
        self.root = await self._finding("root", self._find)
        return self.root

    async def _find(self) -> URL:
        return await find_root(self._transport, self._endpoint.api_host, patience=self._patience)


async def find_root(transport: Transport, host: str, *, patience: float) -> URL:
    """`https://host/` where that answers, else `http://host/` where that does; raises an OCIError where neither does.

    patience: seconds for a connection, and for an answer. A host that swallows packets costs them once, because HTTP is
    asked while TLS is still waited for. It counts only when TLS has failed: one that is slow, or down for a moment,
    must not send credentials in the clear, and for good.
    """
    secure = asyncio.ensure_future(_probe(transport, URL(f"https://{host}/"), patience=patience))
    plain: asyncio.Task[int] | None = None
    try:
        await asyncio.wait({secure}, timeout=patience / 4)
        if not secure.done() or _may_be_plain(secure.exception()):
            plain = asyncio.ensure_future(_probe(transport, URL(f"http://{host}/"), patience=patience))
        await asyncio.wait({secure})
        return await _decide(host, secure=secure, plain=plain)
    finally:
        begun = [task for task in (secure, plain) if task is not None]
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)


async def _decide(host: str, *, secure: asyncio.Task[int], plain: asyncio.Task[int] | None) -> URL:
    error = secure.exception()
    if error is None:
        return URL(f"https://{host}/")
    if _NOT_TLS.search(str(error.__cause__)):
        return URL(f"http://{host}/")
    if plain is None or not isinstance(error, (TLSFailed, ConnectionFailed, RegistryTimeout)):
        raise error
    try:
        status = await plain
    except OCIError:
        raise error from error.__cause__
    if status in _WANTS_TLS:
        raise error
    return URL(f"http://{host}/")


def _may_be_plain(error: BaseException | None) -> bool:
    fault = isinstance(error, (TLSFailed, ConnectionFailed, RegistryTimeout))
    return fault and not _NOT_TLS.search(str(error.__cause__ if error else ""))


async def _probe(transport: Transport, root: URL, *, patience: float) -> int:
    exchange = await transport.send("GET", root / "v2/", headers={}, read_timeout=patience)
    exchange.close()
    return exchange.status
