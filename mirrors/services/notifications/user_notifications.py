"""People's own notices: reading and dismissing them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from mirrors.errors import NotFound
from mirrors.models import User, UserNotification


def notices_of(user: User) -> QuerySet[UserNotification]:
    """Those that are not dismissed, the newest first."""
    return user.notifications.select_related("namespace").filter(is_dismissed=False).order_by("-id")


def find_notice(user: User, uuid: str) -> UserNotification:
    """The user's notice of this uuid, dismissed or not; raises NotFound."""
    try:
        found = user.notifications.select_related("namespace").filter(uuid=UUID(uuid)).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound("You have no notification of this uuid.")
    return found


def set_dismissed(notice: UserNotification, *, is_dismissed: bool) -> UserNotification:
    """Take it off the list, or put it back."""
    notice.is_dismissed = is_dismissed
    notice.save(update_fields=["is_dismissed"])
    return notice
