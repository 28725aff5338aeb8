"""The processes of a farm on one machine, as the supervisor is to run them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from mirrors.management.broker import Broker
from mirrors.management.supervisor import Service

SAMPLE_BYTES_PER_SECOND = 1_500_000  # so that the demonstration takes seconds that one can watch
QUIET = {"LOG_LEVEL": "WARNING"}
UNWARNED = {
    # Celery warns of running as root, which matters where messages are pickled; here they are JSON and hold numbers.
    # Whitenoise misses the directory of `collectstatic`, without which it serves the files from where they are.
    "PYTHONWARNINGS": "ignore::UserWarning:celery.platforms,ignore::UserWarning:django.core.handlers.base"
}


def broker_service(broker: Broker) -> Service:
    """The Valkey server."""
    # It advises a system-wide setting that a broker of this size does without.
    return Service("valkey", broker.command, muted=("WARNING Memory overcommit must be enabled!",))


def sample_service(*, port: int, root: Path) -> Service:
    """The registry that the demonstration mirrors from."""
    options = ["--port", str(port), "--root", str(root), "--bytes-per-second", str(SAMPLE_BYTES_PER_SECOND)]
    return Service("sample", _module("mirrors.sample.registry", *options))


def worker_services(*, workers: int) -> list[Service]:
    """The one for the timetable's short tasks, and the one that copies, with so many processes."""
    return [
        _worker("control", "-Q", "control", "-c", "1", environment=QUIET),
        _worker("worker", "-Q", "preview,sync-now,sync", "-c", str(workers)),
    ]


def web_service(*, address: str, port: int) -> Service:
    """gunicorn."""
    options = ["--bind", f"{address}:{port}", "--workers", "2", "--worker-class", "gthread", "--threads", "8"]
    options += ["--graceful-timeout", "5", "--log-level", "warning", "--no-control-socket"]
    return Service("web", _module("gunicorn", "mirrorfarm.wsgi", *options), unset(UNWARNED))


def beat_service(*, schedule: Path) -> Service:
    """The timetable."""
    return Service("beat", _celery("beat", "--schedule", str(schedule)), unset(QUIET))


def flower_service(*, port: int) -> Service:
    """Flower for this machine alone, and to look at only: what it can change, the farm does not expect."""
    options = ["--address=127.0.0.1", f"--port={port}", "--read_only=True", "--logging=error"]
    return Service("flower", _celery("flower", *options), unset({"LOG_LEVEL": "ERROR"}))


def unset(defaults: Mapping[str, str]) -> dict[str, str]:
    """Those variables that the environment does not set itself, directly or from a file."""
    return {name: value for name, value in defaults.items() if not {name, f"{name}_FILE"} & os.environ.keys()}


def _worker(name: str, *options: str, environment: Mapping[str, str] | None = None) -> Service:
    # SIGQUIT: running syncs get `worker_soft_shutdown_timeout` to end, where SIGTERM would wait for them for ever.
    options = ("-n", f"{name}@%h", "--without-gossip", "--without-mingle", *options)
    variables = unset({**UNWARNED, **(environment or {})})
    return Service(
        name,
        _celery("worker", *options),
        variables,
        stop_signal=signal.SIGQUIT,
        grace=20.0,
        muted=("Hitting Ctrl+C again",),  # ours does something else
    )


def _celery(command: str, *options: str) -> list[str]:
    return _module("celery", "--app", "mirrorfarm", "--quiet", command, *options)


def _module(name: str, *options: str) -> list[str]:
    return [sys.executable, "-m", name, *options]
