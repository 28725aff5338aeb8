"""In whose name documents are applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mirrors.errors import Forbidden
from mirrors.models import User


@dataclass(frozen=True)
class Rights:
    """A user, and which scopes of theirs the door has been given: a session or a shell holds all of them."""

    user: User
    holds: Callable[[str], bool] = lambda scope: True

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the scope is held."""
        if not self.holds(scope):
            raise Forbidden(f"The access token lacks the scope {scope}.")
