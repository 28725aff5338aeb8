"""The period that a query of logs asks for, read as Quay reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone
from rest_framework.request import Request

from mirrors.api.errors import InvalidRequest
from mirrors.api.operations import STRING, Schema

DAY = timedelta(days=1)
PERIOD: dict[str, tuple[Schema, str]] = {
    "starttime": (STRING, "First day, `MM/DD/YYYY` in UTC. Anything else: a day ago."),
    "endtime": (STRING, "Last day, `MM/DD/YYYY` in UTC; all of it counts. Anything else: a day from now."),
}
PERFORMER: dict[str, tuple[Schema, str]] = {"performer": (STRING, "Only what this user or robot did.")}


@dataclass(frozen=True)
class Period:
    """From start up to before end."""

    start: datetime
    end: datetime


def read_period(request: Request) -> Period:
    """The query's starttime and endtime; InvalidRequest where it ends before it begins."""
    now = timezone.now()
    start = _day(request.query_params.get("starttime", "")) or now - DAY
    last = _day(request.query_params.get("endtime", "")) or now
    end = last + DAY if last.year < 9999 else last
    if end < start:
        raise InvalidRequest("endtime lies before starttime: give a later one, as MM/DD/YYYY.")
    return Period(start, end)


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%m/%d/%Y").replace(tzinfo=UTC)
    except ValueError:  # Quay takes whatever it cannot read for nothing
        return None
