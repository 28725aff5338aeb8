"""Which mirrors are meant: the same words in the query of a list and in the body of an order."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from mirrors.api.bodies import array_of, boolean, integer, one_of, text
from mirrors.api.errors import InvalidRequest
from mirrors.api.operations import BOOLEAN, INTEGER, STRING
from mirrors.api.queries import read_flag
from mirrors.services.mirroring.fleet import LATE_AFTER, Filter
from mirrors.services.mirroring.mirror_phases import Phase

STATES = [phase.value for phase in Phase if phase is not Phase.SKIPPED]
LONGEST_TIME = 10 * 365 * 24 * 3600

FIELDS = {
    "states": array_of(one_of(*STATES)),
    "late": boolean,
    "late_after": integer(minimum=0, maximum=LONGEST_TIME),
    "source_host": text,
    "namespace": text,
    "enabled": boolean,
    "text": text,
}

QUERY = {
    "states": (STRING, f"Comma-separated, of: {', '.join(STATES)}."),
    "late": (BOOLEAN, "true: only those whose sync is overdue and not running; false: only the others."),
    "late_after": (INTEGER, f"Seconds that a sync may be overdue before its mirror is late; {LATE_AFTER} by default."),
    "source_host": (STRING, "host[:port] of the source registry."),
    "namespace": (STRING, "Only this organization's or user's."),
    "enabled": (BOOLEAN, "true: only enabled ones; false: only disabled ones."),
    "text": (STRING, "Words that all have to be in the name of the repository or in the source."),
}


def filter_of_query(request: Request) -> Filter:
    """What the query says; raises InvalidRequest."""
    given: dict[str, Any] = {name: request.query_params[name] for name in QUERY if request.query_params.get(name)}
    if "states" in given:
        given["states"] = [word.strip() for word in given["states"].split(",") if word.strip()]
    for name in ("late", "enabled"):
        if name in given:
            given[name] = read_flag(request, name)
    if "late_after" in given:
        given["late_after"] = _number(given["late_after"], "late_after")
    return filter_of_body({name: FIELDS[name](value, name) for name, value in given.items()})


def filter_of_body(given: dict[str, Any]) -> Filter:
    """What checked fields say."""
    states = tuple(Phase(word) for word in given.get("states", ()))
    return Filter(**{**given, "states": states})


def _number(word: str, name: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 18):
        raise InvalidRequest(f"{name} in the query must be a whole number of seconds.")
    return int(word)
