"""What a caller may do wrong: one tree, one sentence each, turned into an answer by every door.

    MirrorError
    ├── InvalidInput        a field's value is not acceptable
    ├── NotFound            no such namespace, repository, robot or mirror
    ├── AlreadyExists       the name is taken
    ├── Forbidden           the account lacks the right
    ├── Outdated            somebody has changed it since the caller read it
    ├── NotWritable         the repository's state forbids to change its tags
    ├── RegistryFailed      the registry that holds the content did not do its part
    ├── TooManyAttempts     signing in has failed too often; when to try again
    ├── AlreadySyncing      a sync of this mirror is under way
    └── NotSyncing          there is no sync to cancel

Faults of a registry are another matter: see `mirrors.oci.errors`.
"""

from __future__ import annotations


class MirrorError(Exception):
    """Something the caller can put right. `str(error)` says what and how; `field` names the input, or is empty."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidInput(MirrorError):
    """A value that cannot be accepted."""


class NotFound(MirrorError):
    """It does not exist, or the caller may not know that it does."""


class AlreadyExists(MirrorError):
    """The name is taken."""


class Forbidden(MirrorError):
    """The account lacks the right."""


class Outdated(MirrorError):
    """Somebody has changed it since the caller read it."""


class TooManyAttempts(MirrorError):
    """Signing in has failed too often. retry_after: whole seconds until the next attempt is looked at."""

    def __init__(self, retry_after: int) -> None:
        plural = "" if retry_after == 1 else "s"
        super().__init__(f"Signing in has failed too often. Try again in {retry_after} second{plural}.")
        self.retry_after = retry_after


class AlreadySyncing(MirrorError):
    """A sync of this mirror is running."""


class NotSyncing(MirrorError):
    """No sync of this mirror is queued or running."""


class NotWritable(MirrorError):
    """The repository is read only, or only its mirror changes it."""


class RegistryFailed(MirrorError):
    """The target registry did not answer, not in time, or with a fault of its own."""
