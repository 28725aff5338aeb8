"""/v1/user/notifications: what the caller was told."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import caller
from mirrors.api.bodies import boolean, read_object
from mirrors.api.dates import mail_date
from mirrors.api.endpoint import Endpoint
from mirrors.api.operations import BOOLEAN, INTEGER, MAIL_DATE, STRING, answer, array, operation, or_null
from mirrors.api.queries import lenient_number
from mirrors.models import UserNotification
from mirrors.services.notifications import user_notifications

ROWS, MOST_ROWS = 5, 100
FIELDS = {"dismissed": boolean}
NOTICE = answer(
    {
        "id": STRING,
        "organization": or_null(STRING),
        "kind": STRING,
        "created": MAIL_DATE,
        "metadata": {"type": "object"},
        "dismissed": BOOLEAN,
    }
)


class NoticesEndpoint(Endpoint):
    """GET /v1/user/notifications?page&limit."""

    scopes = {"GET": "user:admin"}

    @operation(
        "listUserNotifications",
        answers={200: answer({"notifications": array(NOTICE), "additional": BOOLEAN})},
        query={
            "page": (INTEGER, "From 0; what is no such number counts as 0."),
            "limit": (INTEGER, f"Rows of a page, {ROWS} where it is not given, {MOST_ROWS} at most."),
        },
    )
    def get(self, request: Request) -> Response:
        """Those that are not dismissed, the newest first; `additional` says that there are more."""
        page = lenient_number(request, "page", default=0, minimum=0)
        limit = lenient_number(request, "limit", default=ROWS, maximum=MOST_ROWS)
        first = page * limit
        found = list(user_notifications.notices_of(caller(request))[first : first + limit + 1])
        return Response(
            {"notifications": [_body(notice) for notice in found[:limit]], "additional": len(found) > limit}
        )


class NoticeEndpoint(Endpoint):
    """GET and PUT /v1/user/notifications/{uuid}."""

    scopes = {"GET": "user:admin", "PUT": "user:admin"}

    @operation("getUserNotification", answers={200: NOTICE}, errors=(404,))
    def get(self, request: Request, uuid: str) -> Response:
        """One of them."""
        return Response(_body(user_notifications.find_notice(caller(request), uuid)))

    @operation(
        "updateUserNotification", answers={200: NOTICE}, errors=(404,), fields=FIELDS, example={"dismissed": True}
    )
    def put(self, request: Request, uuid: str) -> Response:
        """Take it off the list, or put it back."""
        body = read_object(request, FIELDS)
        notice = user_notifications.find_notice(caller(request), uuid)
        if "dismissed" in body:
            notice = user_notifications.set_dismissed(notice, is_dismissed=body["dismissed"])
        return Response(_body(notice))


def _body(notice: UserNotification) -> dict[str, Any]:
    return {
        "id": str(notice.uuid),
        "organization": notice.namespace.name if notice.namespace else None,
        "kind": notice.kind,
        "created": mail_date(notice.created_at),
        "metadata": notice.metadata,
        "dismissed": notice.is_dismissed,
    }
