"""/v1/mirrors: all mirrors one may see, their sums, and orders for many of them (ours)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import caller
from mirrors.api.bodies import array_of, object_of, read_object, text
from mirrors.api.dates import date
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import InvalidRequest
from mirrors.api.fleet.filters import FIELDS, QUERY, STATES, filter_of_body, filter_of_query
from mirrors.api.mirroring.mirror_body import last_error, sync_status
from mirrors.api.operations import BOOLEAN, DATE, INTEGER, STRING, Method, answer, array, operation, or_null
from mirrors.api.queries import LARGEST, read_number
from mirrors.services.mirroring import fleet

DEFAULT_LIMIT = 50
LONGEST_PAGE = 200
STATE = {"type": "string", "enum": STATES}
QUAY_STATE = {"type": "string", "enum": ["NEVER_RUN", "SYNC_NOW", "SYNCING", "SUCCESS", "FAIL", "CANCEL"]}
ERROR = answer({"code": STRING, "side": or_null(STRING), "message": STRING, "at": or_null(DATE)})
MIRROR = answer(
    {
        "repository": STRING,
        "external_reference": STRING,
        "source_host": STRING,
        "is_enabled": BOOLEAN,
        "state": STATE,
        "sync_status": QUAY_STATE,
        "is_late": BOOLEAN,
        "sync_interval": INTEGER,
        "next_sync": or_null(DATE),
        "last_sync": or_null(DATE),
        "last_error": or_null(ERROR),
        "tags": INTEGER,
        "bytes_copied": INTEGER,
    }
)
SORTS = [*fleet.SORTS, *(f"-{name}" for name in fleet.SORTS)]


class MirrorsEndpoint(Endpoint):
    """GET /v1/mirrors."""

    scopes = {"GET": "repo:admin"}

    @operation(
        "listMirrors",
        answers={
            200: answer(
                {"mirrors": array(MIRROR), "page": INTEGER, "limit": INTEGER, "total": INTEGER, "has_next": BOOLEAN}
            )
        },
        errors=(400,),
        query={
            **QUERY,
            "sort": (
                {"type": "string", "enum": SORTS},
                "What to sort by, the other way round with `-` before it; `repository` by default.",
            ),
            "page": (INTEGER, "From 1 on."),
            "limit": (INTEGER, f"Rows of a page, {DEFAULT_LIMIT} by default and {LONGEST_PAGE} at most."),
        },
        ours=True,
    )
    def get(self, request: Request) -> Response:
        """The mirrors that the caller administers, and how they are doing; superusers see all."""
        sort = request.query_params.get("sort") or "repository"
        if sort not in SORTS:
            raise InvalidRequest(
                f"sort in the query must be one of {', '.join(fleet.SORTS)}, perhaps with - before it."
            )
        number = read_number(request, "page", default=1, maximum=LARGEST)
        limit = read_number(request, "limit", default=DEFAULT_LIMIT, maximum=LONGEST_PAGE)
        page = fleet.page_of(caller(request), filter_of_query(request), sort=sort, page=number, limit=limit)
        return Response(
            {
                "mirrors": [_row(entry) for entry in page.entries],
                "page": number,
                "limit": limit,
                "total": page.total,
                "has_next": number * limit < page.total,
            }
        )


class SumsEndpoint(Endpoint):
    """GET /v1/mirrors/sums."""

    scopes = {"GET": "repo:admin"}

    @operation(
        "getMirrorSums",
        answers={
            200: answer(
                {
                    "mirrors": INTEGER,
                    "enabled": INTEGER,
                    "late": INTEGER,
                    "states": answer(dict.fromkeys(STATES, INTEGER)),
                    "source_hosts": array(answer({"source_host": STRING, "mirrors": INTEGER})),
                    "last_syncs": answer({"tags": INTEGER, "tags_copied": INTEGER, "bytes_copied": INTEGER}),
                }
            )
        },
        errors=(400,),
        query=QUERY,
        ours=True,
    )
    def get(self, request: Request) -> Response:
        """How many mirrors there are by state and by source, and what their last syncs did."""
        sums = fleet.sums_of(caller(request), filter_of_query(request))
        return Response(
            {
                "mirrors": sums.mirrors,
                "enabled": sums.enabled,
                "late": sums.late,
                "states": dict.fromkeys(STATES, 0) | {phase.value: count for phase, count in sums.by_state.items()},
                "source_hosts": [{"source_host": host, "mirrors": count} for host, count in sums.by_host],
                "last_syncs": {
                    "tags": sums.tags,
                    "tags_copied": sums.tags_copied,
                    "bytes_copied": sums.bytes_copied,
                },
            }
        )


ORDER = {"repositories": array_of(text), "filter": object_of(FIELDS)}
ORDERED = answer({"done": INTEGER, "refused": array(answer({"repository": STRING, "reason": STRING}))})


def _ordering(nickname: str, *, example: dict[str, Any]) -> Callable[[Method], Method]:
    return operation(nickname, answers={200: ORDERED}, errors=(400,), fields=ORDER, ours=True, example=example)


class OrderEndpoint(Endpoint):
    """POST /v1/mirrors/<order>: the derived classes say which."""

    scopes = {"POST": "repo:admin"}
    kind: str

    def ordered(self, request: Request) -> Response:
        """Carry it out for the repositories or the filter of the body."""
        body = read_object(request, ORDER)
        if len(body) != 1:
            raise InvalidRequest("Give either repositories, a list of names, or filter, {} for all you administer.")
        given = body.get("filter")
        result = fleet.order(
            caller(request),
            self.kind,
            wanted=None if given is None else filter_of_body(given),
            repositories=body.get("repositories"),
        )
        refused = [{"repository": name, "reason": reason} for name, reason in result.refused]
        return Response({"done": result.done, "refused": refused})


class SyncNowEndpoint(OrderEndpoint):
    """POST /v1/mirrors/sync-now."""

    kind = "sync-now"

    @_ordering("syncMirrorsNow", example={"filter": {"states": ["failed"]}})
    def post(self, request: Request) -> Response:
        """Queue a sync of each of these mirrors; those being synced already are refused by name."""
        return self.ordered(request)


class CancelEndpoint(OrderEndpoint):
    """POST /v1/mirrors/cancel."""

    kind = "cancel"

    @_ordering("cancelMirrorSyncs", example={"filter": {"source_host": "quay.io"}})
    def post(self, request: Request) -> Response:
        """Stop the queued or running sync of each of these mirrors."""
        return self.ordered(request)


class EnableEndpoint(OrderEndpoint):
    """POST /v1/mirrors/enable."""

    kind = "enable"

    @_ordering("enableMirrors", example={"repositories": ["acme/app"]})
    def post(self, request: Request) -> Response:
        """Have the schedule sync each of these mirrors."""
        return self.ordered(request)


class DisableEndpoint(OrderEndpoint):
    """POST /v1/mirrors/disable."""

    kind = "disable"

    @_ordering("disableMirrors", example={"repositories": ["acme/app"]})
    def post(self, request: Request) -> Response:
        """Have the schedule leave each of these mirrors alone."""
        return self.ordered(request)


def _row(entry: fleet.Entry) -> dict[str, Any]:
    status = entry.status
    mirror, finished = status.mirror, status.finished
    return {
        "repository": mirror.repository.full_name,
        "external_reference": mirror.source_reference,
        "source_host": mirror.source_reference.partition("/")[0],
        "is_enabled": mirror.is_enabled,
        "state": entry.phase.value,
        "sync_status": sync_status(status),
        "is_late": entry.is_late,
        "sync_interval": mirror.sync_interval,
        "next_sync": date(mirror.next_sync_at),
        "last_sync": date(status.last_sync_at),
        "last_error": last_error(status),
        "tags": finished.tags_total if finished else 0,
        "bytes_copied": finished.bytes_copied if finished else 0,
    }
