"""When a request is worth another try, and how long before it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp

from mirrors.oci.errors import LimitKind, NameNotResolved, OCIError, RateLimited, RegistryTimeout

T = TypeVar("T")

# Times the first pause. GitHub wants a minute where it does not say; Google truncated exponential back-off.
_WAITS = {LimitKind.UNKNOWN: 2.0, LimitKind.QUOTA: 20.0, LimitKind.ABUSE: 20.0, LimitKind.SECONDARY: 120.0}


class Persistence:
    """Tries a request again where that can help, with jittered exponential back-off.

    attempts: tries in all. first_pause: seconds before the second, doubled for each one after it. longest_pause:
    seconds; a registry that asks for a longer one gets no other try, and its wish is in the error's `retry_after`.
    """

    def __init__(self, *, attempts: int, first_pause: float, longest_pause: float) -> None:
        self._attempts = attempts
        self.first_pause = first_pause
        self.longest_pause = longest_pause
        self.heard = False
        """Whether the registry has ever answered anything."""

    async def __call__(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The result of the first attempt that succeeds, or the error of the last."""
        for number in range(1, self._attempts):
            try:
                return await attempt()
            except OCIError as error:
                pause = self.pause_after(error, number=number)
                if pause is None:
                    raise
            await asyncio.sleep(pause)
        return await attempt()

    def pause_after(self, error: OCIError, *, number: int) -> float | None:
        """Seconds until the next attempt after failure number 1, 2, …, or None where none would help."""
        if not error.retryable or isinstance(error, NameNotResolved):
            return None
        if isinstance(error, RegistryTimeout) and (number > 1 or not self._is_alive(error)):
            return None
        wanted = self.wanted_wait(error)
        if wanted is None or wanted > self.longest_pause:
            return None
        # Never less than our own: GHCR asks for two milliseconds, as often as one comes.
        own = min(self.longest_pause, self.first_pause * 2.0 ** (number - 1))
        return max(wanted, own) * random.uniform(1.0, 1.25) if wanted > own else own * random.uniform(0.5, 1.0)  # noqa: S311 - jitter

    def wanted_wait(self, error: OCIError) -> float | None:
        """Seconds the registry wants to be left alone for; 0 if it does not say, None if it is hopeless to wait.

        Docker Hub's pull limit is a matter of hours: without a word about the end of it, no request is worth it.
        """
        if error.retry_after is not None:
            return error.retry_after
        if not isinstance(error, RateLimited):
            return 0.0
        factor = _WAITS.get(error.limit)
        return None if factor is None else min(self.longest_pause, factor * self.first_pause)

    def _is_alive(self, error: RegistryTimeout) -> bool:
        """A host that takes no connection, or has never said a word, is not waited for twice."""
        return self.heard and not isinstance(error.__cause__, aiohttp.ConnectionTimeoutError)
