"""Content on its way into the built-in store: verified while it is written, in place only afterwards."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from mirrors.oci.errors import DigestMismatch, Side
from mirrors.oci.images.manifest import Descriptor
from mirrors.oci.images.names import check_digest


class Partial:
    """One file, its digest computed as it is written. Leaving the context removes what was not put into place.

    A wrong digest or size is the source's fault: these are the bytes it sent.
    """

    def __init__(self, path: Path, descriptor: Descriptor, *, fsync: bool) -> None:
        self.digest = check_digest(descriptor.digest)
        self.path = path
        self._fsync = fsync
        self._expected = descriptor.size
        self._written = 0
        self._hash = hashlib.new(self.digest.partition(":")[0])
        self._file: BinaryIO | None = None

    def __enter__(self) -> Partial:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def write(self, chunks: Iterable[bytes]) -> None:
        """Append chunks; raises DigestMismatch as soon as there is more than was promised."""
        file = self._opened()
        for chunk in chunks:
            self._written += len(chunk)
            if self._written > self._expected:
                raise DigestMismatch(
                    f"{self.digest} is longer than the {self._expected} bytes promised.", side=Side.SOURCE
                )
            self._hash.update(chunk)
            file.write(chunk)

    def finish(self) -> None:
        """Flush and verify; raises DigestMismatch where size or digest differ."""
        with self._opened() as file:
            file.flush()
            if self._fsync:
                os.fdatasync(file.fileno())
        if self._written != self._expected:
            raise DigestMismatch(
                f"{self.digest} ended after {self._written} of {self._expected} bytes.", side=Side.SOURCE
            )
        if (found := f"{self._hash.name}:{self._hash.hexdigest()}") != self.digest:
            raise DigestMismatch(f"What was sent as {self.digest} is {found}.", side=Side.SOURCE)

    def discard(self) -> None:
        """Remove the file unless it has been put into place."""
        if self._file is not None:
            with suppress(OSError):  # a full disk refuses what is still buffered once more
                self._file.close()
            self.path.unlink(missing_ok=True)

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("xb")
        return self._file


def touch(path: Path) -> bool:
    """Say that somebody counts on this file now. False where it does not exist."""
    # The kernel's own "now" for utime lags some milliseconds behind the clock that syncs note their start by.
    now = time.time_ns()
    try:
        os.utime(path, ns=(now, now))
    except FileNotFoundError:
        return False
    return True
