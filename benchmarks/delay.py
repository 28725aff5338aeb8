"""A TCP relay that holds every byte back for some milliseconds each way: a registry that is far away.

    python -m benchmarks.delay LISTEN_ADDRESS REGISTRY_ADDRESS MILLISECONDS

A new connection costs one round trip more, as the handshake of TCP does. There is no limit of bandwidth.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress

from mirrors.oci import run

_PIECE = 256 * 1024
_PIECES_UNDER_WAY = 4096


async def serve(listen: str, registry: str, *, delay: float) -> None:
    """Relay until the process ends. delay: seconds each way."""
    host, _, port = listen.partition(":")
    far_host, _, far_port = registry.partition(":")

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * delay)
        far_reader, far_writer = await asyncio.open_connection(far_host, int(far_port), limit=_PIECE)
        _send_at_once(writer, far_writer)
        with suppress(ConnectionError):
            await asyncio.gather(
                _flow(reader, far_writer, delay=delay),
                _flow(far_reader, writer, delay=delay),
            )

    server = await asyncio.start_server(relay, host, int(port), limit=_PIECE)
    await server.serve_forever()


async def _flow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, delay: float) -> None:
    """Each piece leaves when its time has come, in order, however many are under way."""
    now = asyncio.get_running_loop().time
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_PIECES_UNDER_WAY)

    async def take() -> None:
        piece = b" "
        while piece:
            try:
                piece = await reader.read(_PIECE)
            except ConnectionError:
                piece = b""
            await pieces.put((now() + delay, piece))

    taking = asyncio.create_task(take())
    try:
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(due - now(), 0))
            if not piece:
                return
            writer.write(piece)
            await writer.drain()
    finally:
        taking.cancel()
        writer.close()


def _send_at_once(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def main() -> None:
    """Relay as the arguments say."""
    listen, registry, milliseconds = sys.argv[1:]
    with suppress(KeyboardInterrupt):
        run(serve(listen, registry, delay=float(milliseconds) / 1000))


if __name__ == "__main__":
    main()
