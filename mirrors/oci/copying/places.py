"""Which repositories of a registry are known to hold a blob, so that it is mounted from there instead of sent again."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

_LIMIT = 100_000
_MISSES_IN_A_ROW = 8


class BlobPlaces:
    """What was seen where, for as many copies of one process as share it; the oldest is forgotten first.

    Only the hash of each fact is kept: 100 000 take 8 MiB. One that is wrong by chance costs nothing, because the
    registry has the last word on each mount. limit: facts kept at most.
    """

    def __init__(self, *, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._seen: dict[int, None] = {}

    def remember(self, digest: str, *, location: str, repository: str) -> None:
        """This repository of the registry at that location has the blob."""
        key = hash((location, repository, digest))
        self._seen.pop(key, None)
        self._seen[key] = None
        if len(self._seen) > self._limit:
            del self._seen[next(iter(self._seen))]

    def forget(self, digest: str, *, location: str, repository: str) -> None:
        """It has not, after all."""
        self._seen.pop(hash((location, repository, digest)), None)

    def has(self, digest: str, *, location: str, repository: str) -> bool:
        """Whether it was seen there."""
        return hash((location, repository, digest)) in self._seen


class Siblings:
    """The repositories that one copy may mount from, and which of them to try for a blob.

    names: no others are ever named to the registry. A blob that was seen in one of them is looked for there; any other
    is guessed to be where the last one was found, or in each in turn. After some misses in a row nobody guesses any
    more. origin: the one that has everything, because it is what is copied.
    """

    def __init__(self, names: Sequence[str], *, location: str, places: BlobPlaces, origin: str | None = None) -> None:
        self._names = deque(names)
        self._location = location
        self._places = places
        self._origin = origin
        self._lucky: str | None = None
        self._misses = 0

    def knows(self, digest: str) -> bool:
        """Whether one of them was seen to have it."""
        return self._known(digest) is not None

    def choose(self, digest: str) -> str | None:
        """Where to mount a blob from, or None where that is not worth a try."""
        if (known := self._known(digest)) is not None:
            return known
        if not self._names or self._misses >= _MISSES_IN_A_ROW:
            return None
        self._names.rotate(-1)
        return self._lucky or self._names[-1]

    def learn(self, digest: str, name: str, *, mounted: bool) -> None:
        """Take note of what became of a mount."""
        if mounted:
            self._lucky, self._misses = name, 0
            self._places.remember(digest, location=self._location, repository=name)
            return
        self._misses += 1
        self._places.forget(digest, location=self._location, repository=name)
        if name == self._lucky:
            self._lucky = None

    def _known(self, digest: str) -> str | None:
        if self._origin is not None and self._misses < _MISSES_IN_A_ROW:
            return self._origin
        places, location = self._places, self._location
        # The lucky one first: each sibling that is named needs a token of its own.
        names = [self._lucky, *self._names] if self._lucky else self._names
        return next((name for name in names if places.has(digest, location=location, repository=name)), None)
