"""How long to wait for a peer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. connect: name, TCP, TLS and proxy together. read: without a byte from or to the peer; twice that for a
    whole request that is no stream, and for the head of its answer, lest a drip hold us for years.

    commit: for the answer after the last byte of an upload, while the registry checks and stores it. slowest: bytes per
    second that a stream has to bring over each `read` seconds of waiting for it; what drips more slowly has stalled.
    """

    connect: float = 10.0
    read: float = 60.0
    commit: float = 300.0
    slowest: int = 1024
