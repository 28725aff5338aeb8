"""When to give a side up."""

from __future__ import annotations

from mirrors.oci.copying.progress import TagOutcome
from mirrors.oci.errors import Code, OCIError

_FAILURES_IN_A_ROW = 20
_HOPELESS = frozenset(
    {Code.CONNECTION, Code.TIMEOUT, Code.DNS, Code.TLS, Code.AUTH_FAILED, Code.RATE_LIMITED, Code.BLOCKED_SOURCE}
)


class Patience:
    """Runs out where a side has failed many tags in a row in a way that the next tag will not escape.

    error: what the rest then fails with at once; a dead host would else cost its timeouts for each of 5 000 tags.
    """

    def __init__(self) -> None:
        self._failures = 0
        self.error: OCIError | None = None

    def learn(self, outcome: TagOutcome) -> None:
        """Take note of a tag's end."""
        error = outcome.error
        if error is None or error.side is None or error.code not in _HOPELESS:
            self._failures = 0
            return
        self._failures += 1
        if self._failures >= _FAILURES_IN_A_ROW:
            self.error = error
