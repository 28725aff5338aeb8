"""GET …/logs and …/aggregatelogs of a repository, an organization, the caller and the whole farm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.dates import mail_date
from mirrors.api.endpoint import Endpoint
from mirrors.api.logs import places
from mirrors.api.logs.log_body import AGGREGATED, PAGE, log_body
from mirrors.api.logs.periods import PERFORMER, PERIOD, Period, read_period
from mirrors.api.operations import Method, operation
from mirrors.api.paging import NEXT_PAGE, next_page_token, read_next_page
from mirrors.services.logs import logs

PER_PAGE = 20


def _listing(nickname: str, *, errors: tuple[int, ...] = (), performer: bool = True) -> Callable[[Method], Method]:
    query = PERIOD | (PERFORMER if performer else {}) | {"next_page": NEXT_PAGE}
    return operation(nickname, answers={200: PAGE}, errors=(400, *errors), query=query)


def _counting(nickname: str, *, errors: tuple[int, ...] = (), performer: bool = True) -> Callable[[Method], Method]:
    query = PERIOD | (PERFORMER if performer else {})
    return operation(nickname, answers={200: AGGREGATED}, errors=(400, *errors), query=query)


class RepositoryLogs(Endpoint):
    """GET /v1/repository/{repository}/logs."""

    scopes = {"GET": "repo:admin"}

    @_listing("listRepoLogs", errors=(404,), performer=False)
    def get(self, request: Request, repository: str) -> Response:
        """What happened to the repository, newest first. 20 on a page."""
        return _page(request, places.repository_place(request, repository), performer="")


class OrganizationLogs(Endpoint):
    """GET /v1/organization/{orgname}/logs."""

    scopes = {"GET": "org:admin"}

    @_listing("listOrgLogs", errors=(404,))
    def get(self, request: Request, orgname: str) -> Response:
        """What happened in the organization, newest first, also to repositories that have gone. 20 on a page."""
        return _page(request, places.organization_place(request, orgname))


class UserLogs(Endpoint):
    """GET /v1/user/logs."""

    scopes = {"GET": "user:admin"}

    @_listing("listUserLogs")
    def get(self, request: Request) -> Response:
        """What happened in the caller's own namespace, and their sign-ins, newest first. 20 on a page."""
        return _page(request, places.user_place(request))


class AllLogs(Endpoint):
    """GET /v1/superuser/logs."""

    scopes = {"GET": "super:user"}

    @_listing("listAllLogs")
    def get(self, request: Request) -> Response:
        """What happened anywhere on this farm, newest first, with the namespace it happened in. 20 on a page."""
        return _page(request, places.whole_farm(request), with_namespace=True)


class RepositoryCounts(Endpoint):
    """GET /v1/repository/{repository}/aggregatelogs."""

    scopes = {"GET": "repo:admin"}

    @_counting("getAggregateRepoLogs", errors=(404,), performer=False)
    def get(self, request: Request, repository: str) -> Response:
        """How often each kind of thing happened to the repository, day by day."""
        return _counts(request, places.repository_place(request, repository), performer="")


class OrganizationCounts(Endpoint):
    """GET /v1/organization/{orgname}/aggregatelogs."""

    scopes = {"GET": "org:admin"}

    @_counting("getAggregateOrgLogs", errors=(404,))
    def get(self, request: Request, orgname: str) -> Response:
        """How often each kind of thing happened in the organization, day by day."""
        return _counts(request, places.organization_place(request, orgname))


class UserCounts(Endpoint):
    """GET /v1/user/aggregatelogs."""

    scopes = {"GET": "user:admin"}

    @_counting("getAggregateUserLogs")
    def get(self, request: Request) -> Response:
        """How often each kind of thing happened in the caller's own namespace, day by day."""
        return _counts(request, places.user_place(request))


class AllCounts(Endpoint):
    """GET /v1/superuser/aggregatelogs."""

    scopes = {"GET": "super:user"}

    @_counting("listAllAggregateLogs")
    def get(self, request: Request) -> Response:
        """How often each kind of thing happened on this farm, day by day."""
        return _counts(request, places.whole_farm(request))


def _page(
    request: Request, place: places.Place, *, performer: str | None = None, with_namespace: bool = False
) -> Response:
    period, before = read_period(request), read_next_page(request, of=_list_of(place))
    rows = logs.newest(_selected(request, place, period, performer), limit=PER_PAGE + 1, before=before)
    body: dict[str, Any] = {
        "start_time": mail_date(period.start),
        "end_time": mail_date(period.end),
        "logs": [log_body(entry, with_namespace=with_namespace) for entry in rows[:PER_PAGE]],
    }
    if len(rows) > PER_PAGE:
        body["next_page"] = next_page_token(rows[PER_PAGE - 1].pk, of=_list_of(place))
    return Response(body)


def _counts(request: Request, place: places.Place, *, performer: str | None = None) -> Response:
    counted = logs.counts(_selected(request, place, read_period(request), performer))
    rows = [
        {"kind": row.kind, "count": row.count, "datetime": mail_date(datetime.combine(row.day, time(), tzinfo=UTC))}
        for row in counted
    ]
    return Response({"aggregated": rows})


def _selected(request: Request, place: places.Place, period: Period, performer: str | None) -> logs.Entries:
    wanted = request.query_params.get("performer", "") if performer is None else performer
    return logs.selected(place.entries, start=period.start, end=period.end, performer=wanted)


def _list_of(place: places.Place) -> str:
    return f"logs of {place.name}"
