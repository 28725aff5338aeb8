"""Blobs from a registry, read on with Range where the connection broke off."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncGenerator

from yarl import URL

from mirrors.oci.errors import ConnectionFailed, MalformedAnswer, OCIError, RegistryTimeout
from mirrors.oci.remote.client import RegistryClient
from mirrors.oci.remote.http.exchange import Exchange

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")
# Seconds before each attempt to read on. Who gives this many bytes in between deserves all of them again.
_PAUSES = (0.2, 1.0, 3.0, 10.0)
_PROGRESS = 1 << 20


async def download(
    client: RegistryClient, path: str | URL, *, scope: str, what: str, offset: int = 0
) -> AsyncGenerator[bytes]:
    """The body behind a path from `offset` on, as it comes. Content with a digest does not change between attempts."""
    position, reached, broken, by_range = offset, offset, 0, True
    while True:
        headers = {"Range": f"bytes={position}-"} if position and by_range else None
        async with client.stream(path, scope=scope, what=what, headers=headers, accept=(200, 206, 416)) as exchange:
            start = _start(exchange, wanted=position if headers else 0)
            if start is None and headers:
                by_range = False
                continue
            if start is None:
                raise MalformedAnswer(f"{client.host} sends only a part of {what}. Repair it there.", side=client.side)
            try:
                async for chunk in exchange.chunks():
                    if (end := start + len(chunk)) > position:
                        yield chunk if start == position else chunk[position - start :]
                        position = end
                    start = end
            except (ConnectionFailed, RegistryTimeout) as error:
                broken = 0 if position >= reached + _PROGRESS else broken + 1
                if not _is_worth_another(error, broken=broken):
                    raise
                reached = position
            else:
                return
        await asyncio.sleep(_PAUSES[max(broken - 1, 0)] * random.uniform(0.5, 1.0))  # noqa: S311 - jitter


def _start(exchange: Exchange, *, wanted: int) -> int | None:
    """The position of the first byte of the body; None where it is no use.

    Some servers know no Range and send everything (200), some send another part than was asked for, some none (416).
    """
    if exchange.status == 200:
        return 0
    if exchange.status == 416:
        return None
    match = _CONTENT_RANGE.fullmatch(exchange.headers.get("Content-Range", "").strip())
    start = int(match[1]) if match else None
    return start if start is not None and start <= wanted else None


def _is_worth_another(error: OCIError, *, broken: int) -> bool:
    # Whoever says nothing for so long once more will not be waited for a third time.
    return broken <= (1 if isinstance(error, RegistryTimeout) else len(_PAUSES))
