"""Two docker-registries on loopback, their content in memory where /dev/shm exists, filled with made-up images."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mirrors.oci import Endpoint, RegistryClient, RemoteRepository, Side
from mirrors.sample.images import Family, Image, Layer, build_image, build_index, build_layer, store_image

CONFIGURATION = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  cache: {{blobdescriptor: inmemory}}
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
http: {{addr: {address}}}
"""


class Registry:
    """A docker-registry process; `wipe` empties it."""

    def __init__(self, directory: Path, name: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.root = directory / name
        self.configuration = directory / f"{name}.yml"
        self.configuration.write_text(CONFIGURATION.format(root=self.root, address=self.address), encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        self.root.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            ["docker-registry", "serve", str(self.configuration)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        host, _, port = self.address.partition(":")
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError("docker-registry did not start within 10 s.")

    def stop(self) -> None:
        """End the process."""
        if self.process:
            self.process.terminate()
            self.process.wait(10)

    def wipe(self) -> None:
        """Start again from nothing."""
        self.stop()
        shutil.rmtree(self.root)
        self.start()

    def push(self, repository: str, images: dict[str, Image]) -> None:
        """Push images by tag."""
        asyncio.run(self._push(repository, images))

    async def _push(self, repository: str, images: dict[str, Image]) -> None:
        async with RegistryClient(Endpoint(self.address, verify_tls=False), side=Side.TARGET) as client:
            for tag, image in images.items():
                await store_image(image, RemoteRepository(client, repository), tag=tag)


@contextmanager
def two_registries() -> Iterator[tuple[Registry, Registry]]:
    """A source and a target, gone afterwards."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="mirrorfarm-bench-", dir=memory if memory.is_dir() else None) as directory:
        source, target = Registry(Path(directory), "source"), Registry(Path(directory), "target")
        try:
            source.start()
            target.start()
            yield source, target
        finally:
            source.stop()
            target.stop()


def small_tags(count: int, *, generation: int = 0) -> dict[str, Image]:
    """Tags of five layers of some 10 kB each, four of them shared among ten; 60 % Docker schema 2, the rest OCI."""
    shared = [[_layer(f"base {group} {n}") for n in range(4)] for group in range(count // 10 + 1)]
    return {
        f"v{number:04}": build_image(
            [*shared[number // 10], _layer(f"own {number} {generation}")],
            family=Family.DOCKER if number % 5 < 3 else Family.OCI,
            name=f"{number}/{generation}",
        )
        for number in range(count)
    }


def multi_platform_tags(count: int, *, generation: int = 0) -> dict[str, Image]:
    """Tags of four architectures with four layers of some 250 kB each, half of them shared."""
    return {
        f"m{number:03}": build_index(
            {
                architecture: build_image(
                    [_layer(f"{architecture} shared {n}", size=250_000) for n in range(2)]
                    + [_layer(f"{architecture} {number} {generation} {n}", size=250_000) for n in range(2)],
                    architecture=architecture,
                    name=f"{number}/{generation}",
                )
                for architecture in ("amd64", "arm64", "ppc64le", "s390x")
            },
            family=Family.OCI if number % 10 < 7 else Family.DOCKER,
        )
        for number in range(count)
    }


def _layer(seed: str, size: int = 10_000) -> Layer:
    return build_layer({"data": hashlib.shake_256(seed.encode()).digest(size)})
