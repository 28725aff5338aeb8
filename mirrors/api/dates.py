"""The two ways in which the contract writes dates, both UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime


def date(moment: datetime | None) -> str | None:
    """`2020-01-02T06:30:00Z`, whole seconds: of mirrors, in the form that POST and PUT take."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def mail_date(moment: datetime | None) -> str | None:
    """`Thu, 02 Jan 2020 06:30:00 -0000` (RFC 2822): as Quay writes dates everywhere but in mirrors."""
    return None if moment is None else format_datetime(moment.astimezone(UTC).replace(tzinfo=None))
