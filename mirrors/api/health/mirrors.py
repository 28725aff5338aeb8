"""/v1/repository/mirror/health and /v1/superuser/mirror/health: 200 where all is well, else 503, with the same body."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import caller, has_scope
from mirrors.api.dates import date
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import InsufficientScope
from mirrors.api.mirroring.mirror_body import sync_status
from mirrors.api.operations import BOOLEAN, DATE, INTEGER, STRING, answer, array, operation, or_null
from mirrors.api.queries import is_true, lenient_number
from mirrors.api.status_words import WORDS
from mirrors.models import Namespace, User
from mirrors.services import access
from mirrors.services.accounts import namespaces
from mirrors.services.mirroring import health
from mirrors.services.mirroring.health import Health
from mirrors.services.mirroring.mirror_status import MirrorStatus

ROWS, MOST_ROWS = 100, 1000
SCOPES = ("repo:read", "org:admin", "super:user")
MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"}
DETAIL = answer(
    {
        "namespace": STRING,
        "repository": STRING,
        "sync_status": {"type": "string", "enum": [word for word in WORDS if word != "SKIP"]},
        "is_enabled": BOOLEAN,
        "last_sync": or_null(DATE),
        "retries_remaining": INTEGER,
    }
)
SUMS = dict.fromkeys(("total", "syncing", "completed", "failed", "never_run"), INTEGER)
BODY = {
    "healthy": BOOLEAN,
    "workers": answer(
        {"active": INTEGER, "configured": INTEGER, "status": {"type": "string", "enum": ["healthy", "degraded"]}}
    ),
    "tags_pending": INTEGER,
    "last_check": MOMENT,
    "issues": array(
        answer(
            {
                "severity": {"type": "string", "enum": ["critical", "error", "warning"]},
                "message": STRING,
                "timestamp": MOMENT,
            }
        )
    ),
}
SUMMARY_BODY = answer({**BODY, "repositories": answer(SUMS)})
HEALTH_BODY = answer(
    {
        **BODY,
        "repositories": answer(
            SUMS,
            {
                "details": array(DETAIL),
                "pagination": answer({"limit": INTEGER, "offset": INTEGER, "has_more": BOOLEAN}),
            },
        ),
    }
)


class HealthAnswers(Endpoint):
    """What both addresses have in common."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **options: Any) -> Any:
        """The header in Quay's words. A verdict is no fault of ours: Django would log each 503 as an error."""
        response = super().finalize_response(request, response, *args, **options)
        response._has_been_logged = response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        response["Cache-Control"] = "no-cache, no-store, must-revalidate"
        return response


class HealthEndpoint(HealthAnswers):
    """GET /v1/repository/mirror/health?namespace&detailed&limit&offset."""

    @operation(
        "getMirrorHealth",
        answers={200: HEALTH_BODY, 503: HEALTH_BODY},
        errors=(404,),
        query={
            "namespace": (STRING, "Of this organization or user alone; without it, of all, for superusers."),
            "detailed": (BOOLEAN, "List the repositories too."),
            "limit": (INTEGER, f"Of that list, {ROWS} where it is not given, {MOST_ROWS} at most."),
            "offset": (INTEGER, "How many of that list to leave out."),
        },
    )
    def get(self, request: Request) -> Response:
        """Sums, a verdict and what to look at: of the farm, or of one namespace for those who belong to it."""
        namespace = _namespace(request)
        found = health.health(namespace)
        body = _body(found)
        if is_true(request, "detailed"):
            limit = lenient_number(request, "limit", default=ROWS, maximum=MOST_ROWS, clamps=True)
            offset = lenient_number(request, "offset", default=0, minimum=0)
            rows, has_more = health.statuses(namespace, limit=limit, offset=offset)
            body["repositories"] |= {
                "details": [_detail(row) for row in rows],
                "pagination": {"limit": limit, "offset": offset, "has_more": has_more},
            }
        return Response(body, status=_status(found))


class SuperuserHealthEndpoint(HealthAnswers):
    """GET /v1/superuser/mirror/health."""

    scopes = {"GET": "super:user"}

    @operation("getSuperuserMirrorHealth", answers={200: SUMMARY_BODY, 503: SUMMARY_BODY})
    def get(self, request: Request) -> Response:
        """Sums and a verdict of the whole farm; no repository is named."""
        _check_sees_everything(caller(request))
        found = health.health(is_summary=True)
        return Response(_body(found), status=_status(found))


def _namespace(request: Request) -> Namespace | None:
    """The namespace asked for, None for all; raises where the caller may not know."""
    account = caller(request)
    if not any(has_scope(request, scope) for scope in SCOPES):
        raise InsufficientScope(f"Unauthorized: the access token needs one of the scopes {', '.join(SCOPES)}.")
    name = request.query_params.get("namespace", "")
    if not name:
        _check_sees_everything(account)
        return None
    found = namespaces.find_namespace(name)
    if not (access.may_see_namespace_settings(account, found) or namespaces.is_member(account, found)):
        raise InsufficientScope(f"Unauthorized: only those who belong to {name} may see how its mirrors are doing.")
    return found


def _check_sees_everything(account: User) -> None:
    if not access.sees_everything(account):
        raise InsufficientScope(
            "Unauthorized: only superusers may see how all mirrors are doing. Name your namespace: ?namespace=acme."
        )


def _status(found: Health) -> HTTPStatus:
    return HTTPStatus.OK if found.is_healthy else HTTPStatus.SERVICE_UNAVAILABLE


def _body(found: Health) -> dict[str, Any]:
    now = _moment(timezone.now())
    return {
        "healthy": found.is_healthy,
        "workers": {
            "active": found.workers,
            "configured": found.workers_expected,
            "status": "healthy" if found.is_healthy else "degraded",
        },
        "repositories": {
            "total": found.total,
            "syncing": found.syncing,
            "completed": found.completed,
            "failed": found.failed,
            "never_run": found.never_run,
        },
        "tags_pending": found.tags_pending,
        "last_check": now,
        "issues": [{"severity": issue.severity, "message": issue.message, "timestamp": now} for issue in found.issues],
    }


def _detail(status: MirrorStatus) -> dict[str, Any]:
    repository, word = status.mirror.repository, sync_status(status)
    return {
        "namespace": repository.namespace.name,
        "repository": repository.name,
        "sync_status": word,
        "is_enabled": status.mirror.is_enabled,
        "last_sync": date(status.last_sync_at),
        "retries_remaining": 0 if word == "CANCEL" else status.attempts_left,
    }


def _moment(now: datetime) -> str:
    return f"{now:%Y-%m-%dT%H:%M:%S.%f}Z"
