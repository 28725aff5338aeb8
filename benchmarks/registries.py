"""Two docker-registries as processes on loopback, their content in memory where the machine has /dev/shm."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.certificates import Certificate, loopback_certificate
from benchmarks.errors import NotMeasurable

# The access log is how requests are counted: one line of text each, some 10 µs beside the 1 ms that a request costs.
CONFIGURATION = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: false}}}}
storage:
  cache: {{blobdescriptor: inmemory}}
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
http: {{addr: {address}{tls}}}
"""
_TICKS = os.sysconf("SC_CLK_TCK")


class Registry:
    """A docker-registry process at `address` (host:port)."""

    def __init__(self, directory: Path, name: str, *, certificate: Certificate | None = None) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.name = name
        self.root = directory / name
        self.scheme = "https" if certificate else "http"
        self.log = directory / f"{name}.log"
        self._configuration = directory / f"{name}.yml"
        tls = f", tls: {{certificate: {certificate.file}, key: {certificate.key}}}" if certificate else ""
        text = CONFIGURATION.format(root=self.root, address=self.address, tls=tls)
        self._configuration.write_text(text, encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """`http://host:port` or `https://…`."""
        return f"{self.scheme}://{self.address}"

    def start(self) -> None:
        """Start it with the content it has, and wait until it listens."""
        self.root.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            command = ["docker-registry", "serve", str(self._configuration)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self.address, what="docker-registry", process=self._process)

    def stop(self) -> None:
        """End the process; the content stays."""
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def wipe(self) -> None:
        """Start again from nothing."""
        self.stop()
        shutil.rmtree(self.root)
        self.start()

    def clone(self, other: Registry) -> None:
        """Start again with the other registry's content."""
        self.stop()
        shutil.rmtree(self.root)
        subprocess.run(["cp", "-a", str(other.root), str(self.root)], check=True)
        self.start()

    @property
    def cpu(self) -> float:
        """Seconds of CPU this process has used."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


@dataclass(frozen=True)
class Line:
    """The two registries, and what stands between them and the tools.

    source_address: where the tools find the source, behind the delay if there is one. certificate: of both sides, where
    they speak TLS. scratch: a directory in memory for what the tools need.
    """

    source: Registry
    target: Registry
    source_address: str
    certificate: Certificate | None
    scratch: Path


@contextmanager
def opened_line(*, delay: float = 0.0, tls: bool = False) -> Iterator[Line]:
    """Both registries, running and empty; everything is gone afterwards. delay: milliseconds each way to the source."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="mirrorfarm-bench-", dir=memory if memory.is_dir() else None, ignore_cleanup_errors=True
    ) as name:
        directory = Path(name)
        certificate = loopback_certificate(directory) if tls else None
        source = Registry(directory, "source", certificate=certificate)
        target = Registry(directory, "target", certificate=certificate)
        scratch = directory / "scratch"
        scratch.mkdir()
        try:
            source.start()
            target.start()
            with _delayed(source.address, milliseconds=delay) as address:
                yield Line(source, target, address, certificate, scratch)
        finally:
            source.stop()
            target.stop()


@contextmanager
def _delayed(address: str, *, milliseconds: float) -> Iterator[str]:
    if not milliseconds:
        yield address
        return
    near = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.delay", near, address, str(milliseconds)])
    try:
        wait_for(near, what="The delay", process=process)
        yield near
    finally:
        process.kill()
        process.wait(10)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str, *, what: str, process: subprocess.Popen[bytes]) -> None:
    """Return once somebody listens there; raises NotMeasurable where the process ends, or 10 s pass, before."""
    host, _, port = address.partition(":")
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise NotMeasurable(f"{what} did not start at {address}.")
