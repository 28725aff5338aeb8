"""A PostgreSQL cluster of this benchmark's own, in a scratch directory, with its ordinary settings."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.registries import free_port, wait_for

_DEBIAN = Path("/usr/lib/postgresql")
_PASSWORD = "benchmark"


def postgres_directory() -> Path | None:
    """Where initdb and postgres are; None where PostgreSQL is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return max((path.parent for path in _DEBIAN.glob("*/bin/initdb")), default=None)


@contextmanager
def opened_postgres(programs: Path) -> Iterator[str]:
    """The address of an empty database; everything is gone afterwards."""
    # Not below a directory of root's: PostgreSQL refuses to run as root, and nobody runs it then.
    directory = Path(tempfile.mkdtemp(prefix="mirrorfarm-benchmark-"))
    user = "nobody" if os.geteuid() == 0 else None
    try:
        _initialize(programs, directory, user=user)
        port = free_port()
        command: list[str | Path] = [programs / "postgres", "-D", directory / "cluster", "-p", str(port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        with (directory / "log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd="/")
        try:
            wait_for(f"127.0.0.1:{port}", what="postgres", process=process)
            yield f"postgres://mirrorfarm:{_PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)  # a fast shutdown
            process.wait(60)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _initialize(programs: Path, directory: Path, *, user: str | None) -> None:
    password = directory / "password"
    password.write_text(_PASSWORD, encoding="ascii")
    if user:
        account = pwd.getpwnam(user)
        for path in (directory, password):
            os.chown(path, account.pw_uid, account.pw_gid)
    command: list[str | Path] = [
        programs / "initdb",
        "-D",
        directory / "cluster",
        "-U",
        "mirrorfarm",
        "-A",
        "scram-sha-256",
    ]
    command += ["-E", "UTF8", "--locale=C", f"--pwfile={password}"]
    subprocess.run(command, check=True, capture_output=True, user=user, cwd="/")
