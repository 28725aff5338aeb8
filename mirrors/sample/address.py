"""Where the running sample registry listens, in a file that every process of the same data directory reads."""

from __future__ import annotations

import re
from pathlib import Path

_FILE = Path("run") / "sample-registry"
_ADDRESS = re.compile(r"127\.0\.0\.1:[1-9][0-9]{0,4}")  # what is there is let through the egress guard: nothing else


def announce(data_dir: Path, *, address: str) -> None:
    """A sample registry listens there. address: `host:port`."""
    path = data_dir / _FILE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(address, encoding="ascii")


def forget(data_dir: Path) -> None:
    """None runs any more."""
    (data_dir / _FILE).unlink(missing_ok=True)


def announced(data_dir: Path) -> str | None:
    """`host:port` of the one that runs."""
    try:
        text = (data_dir / _FILE).read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    return text if _ADDRESS.fullmatch(text) else None
