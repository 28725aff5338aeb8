"""Layers that a registry need not have, because their descriptor says where else they are (Windows base layers).

Source: OCI image-spec v1.1, descriptor.md, `urls`; the images of Windows on Docker Hub and at mcr.microsoft.com.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from yarl import URL

from mirrors.oci.errors import NotFound, OCIError, Unsupported
from mirrors.oci.images.manifest import Descriptor
from mirrors.oci.remote.blobs.downloads import download
from mirrors.oci.remote.client import RegistryClient
from mirrors.oci.remote.http.links import is_usable

_MOST_ADDRESSES = 8


async def download_foreign(
    client: RegistryClient, descriptor: Descriptor, *, path: str, scope: str, offset: int = 0
) -> AsyncGenerator[bytes]:
    """The layer from the registry itself if it has it, else from the first of its own addresses that does.

    The addresses are asked without credentials, and like every other one only where the egress guard lets us. Raises
    Unsupported where none of them has it: the bytes are not checked here, so nobody trusts what an address sends.
    """
    what = f"the foreign layer {descriptor.digest}"
    failure: OCIError
    places: list[str | URL] = [path, *_addresses(client, descriptor)]
    for place in places:
        begun = False
        try:
            async with aclosing(download(client, place, scope=scope, what=what, offset=offset)) as chunks:
                async for chunk in chunks:
                    begun = True
                    yield chunk
        except OCIError as error:
            if begun or (place == path and not isinstance(error, NotFound)):
                raise
            failure = error
        else:
            return
    if failure.retryable:
        raise failure
    raise Unsupported(
        f"Neither {client.host} nor its own addresses give {what}. {failure.message} "
        "Leave foreign layers where they are: whoever runs the image fetches them.",
        side=client.side,
    ) from failure


def _addresses(client: RegistryClient, descriptor: Descriptor) -> Iterator[URL]:
    """Those that can be asked. Not the registry itself: it would be shown the credentials for any path of its own.

    The publisher of an image must not have us knock at thousands of doors.
    """
    for text in descriptor.urls[:_MOST_ADDRESSES]:
        try:
            url = URL(text, encoded=True)
        except ValueError:
            continue
        if is_usable(url) and not client.owns(url):
            yield url
