"""How blobs go to one registry: what its profile says first, then what it was seen to take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mirrors.oci.errors import OCIError
from mirrors.oci.profile import MIB, RegistryProfile, UploadStyle

SMALLEST_CHUNK = 4 * MIB
"""Bytes: what GHCR takes at most, and more than the least that anyone wants."""


class Declined(Exception):
    """The registry does not take a blob this way, and may take it another way.

    error: what to raise where no other way is left.
    """

    class Reason(Enum):
        """STYLE: not by this method. SIZE: not so much in one body. CHUNKS: not in more than one body."""

        STYLE = "style"
        SIZE = "size"
        CHUNKS = "chunks"

    def __init__(self, reason: Reason, error: OCIError) -> None:
        super().__init__(error.message)
        self.reason = reason
        self.error = error


@dataclass(frozen=True, slots=True)
class Plan:
    """One way. chunk_size: bytes of each body of style CHUNKS; 0 in the others."""

    style: UploadStyle
    chunk_size: int = 0

    def instead(self, reason: Declined.Reason, *, size: int) -> list[Plan]:
        """Other ways for a blob of this size after a refusal, the best first."""
        whole = [Plan(UploadStyle.PATCH), Plan(UploadStyle.PUT)]
        if reason is Declined.Reason.SIZE:
            smaller = min(self.chunk_size or size, 64 * MIB) // 4
            # GHCR takes no chunk over 4 MiB, but a whole blob in one PATCH. A proxy with a limit takes chunks only.
            chunks = Plan(UploadStyle.CHUNKS, max(smaller, SMALLEST_CHUNK))
            return [chunks, *whole] if chunks.chunk_size < size else whole
        return whole


class UploadHabits:
    """What one registry was seen to take, remembered for as long as its client lives."""

    def __init__(self, profile: RegistryProfile) -> None:
        self._profile = profile
        self._ordinary = profile.uploads
        self._large = profile.large_uploads
        self._chunk_size = 0

    def plan(self, size: int) -> Plan:
        """The way to try first with a blob of this size."""
        if self._chunk_size and size > self._chunk_size:
            return Plan(UploadStyle.CHUNKS, self._chunk_size)
        style = self._large if size > self._profile.large else self._ordinary
        return Plan(style, self._profile.chunk_size if style is UploadStyle.CHUNKS else 0)

    def learn(self, plan: Plan, *, size: int) -> None:
        """A blob of this size went over this way after another one was refused."""
        self._chunk_size = plan.chunk_size
        if plan.style is UploadStyle.CHUNKS:
            return
        if size > self._profile.large:
            self._large = plan.style
        else:
            self._ordinary = plan.style
