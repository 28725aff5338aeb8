"""Two changes at the same moment: what one of them meets that the other has just removed, made or locked.

Whoever deletes a repository does not wait for those who have just read it. Their transaction is refused then, whole, by
the database; carried out once more it finds what is true by now, and says so in words of ours.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError, OperationalError, connection

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
TRIES = 3
"""How often a change is tried before a collision counts as a fault of ours."""
DEADLOCK = "40P01"  # PostgreSQL's codes, appendix A of its manual
SERIALIZATION_FAILURE = "40001"


def is_collision(error: BaseException) -> bool:
    """Whether the database refused a change because of another one, and nothing of it was written."""
    if connection.in_atomic_block:  # what is around this change has failed with it
        return False
    if isinstance(error, OperationalError):
        return getattr(error.__cause__, "pgcode", None) in (DEADLOCK, SERIALIZATION_FAILURE)
    # Exactly DatabaseError: Django's own, of a row that was to be saved and is gone.
    return isinstance(error, IntegrityError | ObjectDoesNotExist) or type(error) is DatabaseError


def again_after_collision(change: Callable[[], Result], *, tries: int = TRIES) -> Result:
    """What the change gives, tried again where it collides with another; it must read what it goes by."""
    for _ in range(tries - 1):
        try:
            return change()
        except (DatabaseError, ObjectDoesNotExist) as error:
            if not is_collision(error):
                raise
            logger.info("A change has met another one (%s) and is tried again", type(error).__name__)
    return change()
