"""A read-only registry with the sample images: `python -m mirrors.sample.registry --port N --root DIR`."""

from __future__ import annotations

import argparse
import asyncio
import errno
import signal
import sys
import time
from pathlib import Path

from aiohttp import web

from mirrors.oci.errors import OCIError
from mirrors.oci.store.distribution import Answer, ErrorCode, FilePart, Kind, Refusal, parse_path, read
from mirrors.oci.store.repository import Store, StoredRepository
from mirrors.sample.images import SAMPLE_REPOSITORY, sample_repository, store_image

HOST = "127.0.0.1"
_CHUNK = 64 * 1024


class Throttle:
    """So many bytes a second for all downloads together, so that a copy from this machine takes time to watch."""

    def __init__(self, bytes_per_second: int | None) -> None:
        self._rate = bytes_per_second
        self._free_at = 0.0

    async def wait_for(self, size: int) -> None:
        """Return once `size` more bytes fit into the rate."""
        if self._rate is None:
            return
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + size / self._rate
        await asyncio.sleep(self._free_at - now)


def create_app(store: Store, *, bytes_per_second: int | None = None) -> web.Application:
    """The registry as an aiohttp application. It serves every repository of the store to everyone."""
    throttle = Throttle(bytes_per_second)

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            answer = await asyncio.to_thread(_answer, store, request)
        except Refusal as refusal:
            answer = refusal.answer
        return await _send(request, answer, throttle)

    app = web.Application()
    app.router.add_route("*", "/v2", serve)
    app.router.add_route("*", "/v2/{path:.*}", serve)
    return app


def _answer(store: Store, request: web.Request) -> Answer:
    endpoint = parse_path(request.match_info.get("path", ""), method=request.method)
    if endpoint.kind is Kind.TAGS and not store.has_repository(endpoint.name):
        raise Refusal(404, ErrorCode.NAME_UNKNOWN, f"There is no repository {endpoint.name} here.")
    return read(store, endpoint, query=request.query, headers=request.headers, method=request.method)


async def _send(request: web.Request, answer: Answer, throttle: Throttle) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    await response.prepare(request)
    if request.method != "HEAD":
        if answer.file is not None:
            await _send_file(response, answer.file, throttle)
        else:
            await response.write(answer.body)
    await response.write_eof()
    return response


async def _send_file(response: web.StreamResponse, part: FilePart, throttle: Throttle) -> None:
    with part.path.open("rb") as file:
        file.seek(part.offset)
        remaining = part.length
        while remaining and (chunk := await asyncio.to_thread(file.read, min(_CHUNK, remaining))):
            await throttle.wait_for(len(chunk))
            await response.write(chunk)
            remaining -= len(chunk)


async def fill(store: Store) -> None:
    """Put the sample content into the store, unless it is there."""
    repository = StoredRepository(store, SAMPLE_REPOSITORY)
    for tag, image in sample_repository().items():
        if await repository.resolve(tag) != image.manifest.descriptor:
            await store_image(image, repository, tag=tag)


async def run(*, port: int, root: Path, bytes_per_second: int | None) -> None:
    """Serve until SIGTERM or SIGINT; raises OSError where the port cannot be had."""
    stopped = _stop_event()
    store = Store(root)
    await fill(store)
    runner = web.AppRunner(create_app(store, bytes_per_second=bytes_per_second), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        address = f"{HOST}:{runner.addresses[0][1]}"
        print(f"Sample registry is ready: {address}/{SAMPLE_REPOSITORY} (plain HTTP, read-only)", flush=True)
        await stopped.wait()
    finally:
        await runner.cleanup()


def _stop_event() -> asyncio.Event:
    """Set by SIGTERM and SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m mirrors.sample.registry", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help=f"port on {HOST}; 0 takes a free one")
    parser.add_argument("--root", type=Path, required=True, help="folder for the content, made if missing")
    parser.add_argument("--bytes-per-second", type=_positive, help="slow all downloads down to this rate together")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(run(port=options.port, root=options.root, bytes_per_second=options.bytes_per_second))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        print(f"Port {options.port} on {HOST} is taken. Choose another with --port.", file=sys.stderr)
        return 1
    except OCIError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
