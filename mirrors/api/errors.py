"""Every error of the API as one body, a superset of the four shapes that Quay uses (docs/quay-compatibility.md)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from mirrors.errors import AlreadyExists, AlreadySyncing, Forbidden, InvalidInput, MirrorError, NotFound, NotSyncing

logger = logging.getLogger(__name__)

ERROR_TYPES = {
    "invalid_request": "Invalid request: a value is missing or cannot be accepted; the detail says which.",
    "invalid_token": "Requires authentication: send a valid access token, or sign in.",
    "insufficient_scope": "Unauthorized: the account or the scope of its token does not allow this.",
    "not_found": "Not found: it does not exist, or nothing is there to be done.",
    "internal": "Internal error: a fault of this server, described in its log.",
}
"""What `type` in a body may be, in Quay's words; `internal` is ours."""


class APIError(Exception):
    """An answer other than success. `message` is what a person reads; `extra` are further keys of the body."""

    status = HTTPStatus.BAD_REQUEST
    error_type = "invalid_request"

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extra = extra


class InvalidRequest(APIError):
    """The body or the query is not what the contract asks for."""


class NotSignedIn(APIError):
    """Neither a valid access token nor a session."""

    status = HTTPStatus.UNAUTHORIZED
    error_type = "invalid_token"


class InsufficientScope(APIError):
    """The token does not hold the scope, or the account lacks the right."""

    status = HTTPStatus.FORBIDDEN
    error_type = "insufficient_scope"


class CSRFRefused(InsufficientScope):
    """A change without an access token and without a session's CSRF token."""

    def __init__(self) -> None:
        text = "CSRF token was invalid or missing."
        super().__init__(text, error=text)


class NoSuchRoute(APIError):
    """Nothing is at this address."""

    status = HTTPStatus.NOT_FOUND
    error_type = "not_found"


class MethodNotAllowed(APIError):
    """The address exists, the method does not."""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class Conflict(APIError):
    """There is one already."""

    status = HTTPStatus.CONFLICT


class NotJSON(APIError):
    """The Content-Type is not JSON."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class InternalError(APIError):
    """Our fault."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    error_type = "internal"


OF_MIRROR_ERRORS: dict[type[MirrorError], type[APIError]] = {
    InvalidInput: InvalidRequest,
    AlreadyExists: InvalidRequest,
    NotFound: NoSuchRoute,
    AlreadySyncing: NoSuchRoute,  # Quay's answer to a sync-now that comes too early
    NotSyncing: NoSuchRoute,
    Forbidden: InsufficientScope,
}


def answer_error(error: Exception, context: dict[str, Any]) -> Response:
    """Django REST framework's EXCEPTION_HANDLER: whatever was raised, as JSON."""
    set_rollback()
    request: Request = context["request"]
    answer = _as_api_error(error)
    if isinstance(answer, InternalError):
        got_request_exception.send(sender=None, request=request._request)
        logger.error("%s %s failed", request.method, request.path, exc_info=error)
    headers = {"WWW-Authenticate": "Bearer"} if answer.status == HTTPStatus.UNAUTHORIZED else {}
    return Response(_body(answer, request), status=answer.status, headers=headers)


def _as_api_error(error: Exception) -> APIError:
    if isinstance(error, APIError):
        return error
    if isinstance(error, MirrorError):
        kind = next((kind for kind in type(error).__mro__ if kind in OF_MIRROR_ERRORS), InvalidInput)
        return OF_MIRROR_ERRORS[kind](error.message)
    return _of_framework_error(error)


def _of_framework_error(error: Exception) -> APIError:
    """Faults that Django and Django REST framework find by themselves."""
    if isinstance(error, exceptions.MethodNotAllowed):
        return MethodNotAllowed("The method is not allowed for the requested URL.")
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return NotSignedIn("Requires authentication")
    if isinstance(error, exceptions.PermissionDenied | DjangoPermissionDenied):
        return InsufficientScope("Unauthorized")
    if isinstance(error, exceptions.NotFound | Http404):
        return NoSuchRoute("Not Found")
    if isinstance(error, RequestDataTooBig):
        return InvalidRequest("The request body is too large.")
    return InternalError("This server failed to answer. Its log says why; ask its administrator.")


def _body(answer: APIError, request: Request) -> dict[str, Any]:
    body = {
        "detail": answer.message,
        "error_message": answer.message,
        "error_type": answer.error_type,
        "title": answer.error_type,
        "type": request.build_absolute_uri(f"/api/v1/error/{answer.error_type}"),
        "status": int(answer.status),
    }
    if answer.status != HTTPStatus.NOT_FOUND:
        # Clients show `message` alone where there is one, and some look for the word not_found in what they show.
        body["message"] = answer.message
    return body | answer.extra
