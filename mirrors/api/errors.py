"""Every error of the API as one body, a superset of the four shapes that Quay uses (docs/quay-compatibility.md)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.signals import got_request_exception
from django.http import Http404, JsonResponse
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from mirrors.errors import (
    AlreadyExists,
    AlreadySyncing,
    Forbidden,
    InvalidInput,
    MirrorError,
    NotFound,
    NotSyncing,
    NotWritable,
    Outdated,
    RegistryFailed,
    TooManyAttempts,
)

logger = logging.getLogger(__name__)

NOT_UNDERSTOOD = "The browser (or proxy) sent a request that this server could not understand."
"""Quay's words."""

ERROR_TYPES = {
    "invalid_request": "Invalid request: a value is missing or cannot be accepted; the detail says which.",
    "invalid_response": "Invalid response: another server answered what cannot be understood.",
    "invalid_token": "Requires authentication: send a valid access token, or sign in.",
    "expired_token": "Expired token: make a new access token, or sign in again.",
    "fresh_login_required": "Requires fresh login: sign in again, then repeat the request.",
    "exceeds_license": "Exceeds the license: Quay's word, never used here.",
    "insufficient_scope": "Unauthorized: the account or the scope of its token does not allow this.",
    "not_found": "Not found: it does not exist, or nothing is there to be done.",
    "tag_immutable": "Immutable tag: the registry does not let this tag be moved or deleted.",
    "token_rotation_failed": "Token rotation failed: the token is still the old one. Try again.",
    "external_service_timeout": "External service timeout: another server did not answer in time. Try again.",
    "downstream_issue": "Downstream issue: another server that this one needs has failed. Try again.",
    "precondition_failed": "Precondition failed: somebody has changed it since the version that If-Match names.",
    "busy": "Busy: as many calls of this kind are under way as this server takes; Retry-After says when to ask again.",
    "too_many_attempts": "Too many attempts: signing in has failed too often; Retry-After says when to try again.",
    "internal": "Internal error: a fault of this server, described in its log.",
}
"""What `type` in a body may be: Quay's, and ours, `internal`."""


class APIError(Exception):
    """An answer other than success. `message` is what a person reads; `extra` are further keys of the body."""

    status = HTTPStatus.BAD_REQUEST
    error_type = "invalid_request"
    headers: Mapping[str, str] = {}

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
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


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


class PreconditionFailed(APIError):
    """If-Match names another version than the present one."""

    status = HTTPStatus.PRECONDITION_FAILED
    error_type = "precondition_failed"


class Busy(APIError):
    """All places for calls that take long are taken. retry_after: seconds."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    error_type = "busy"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(retry_after)}


class ReadOnly(APIError):
    """The repository's state forbids it."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class DownstreamIssue(APIError):
    """Another registry has not done its part."""

    status = HTTPStatus.BAD_GATEWAY
    error_type = "downstream_issue"


class TooManySignIns(APIError):
    """Signing in is slowed down. retry_after: seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    error_type = "too_many_attempts"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(retry_after)}


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
    Outdated: PreconditionFailed,
    NotWritable: ReadOnly,
    RegistryFailed: DownstreamIssue,
}


def answer_error(error: Exception, context: dict[str, Any]) -> Response:
    """Django REST framework's EXCEPTION_HANDLER: whatever was raised, as JSON."""
    set_rollback()
    request: Request = context["request"]
    answer = _as_api_error(error)
    if isinstance(answer, InternalError):
        got_request_exception.send(sender=None, request=request._request)
        logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return Response(
        _body(answer, base=request.build_absolute_uri("/")), status=answer.status, headers=dict(answer.headers)
    )


def plain_answer(error: APIError) -> JsonResponse:
    """The same for what goes wrong outside of any endpoint, where not even the host name may be right."""
    return JsonResponse(_body(error, base=settings.PUBLIC_URL), status=error.status, headers=dict(error.headers))


def _as_api_error(error: Exception) -> APIError:
    if isinstance(error, APIError):
        return error
    if isinstance(error, TooManyAttempts):
        return TooManySignIns(error.message, retry_after=error.retry_after)
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
    if isinstance(error, BadRequest | SuspiciousOperation | MultiPartParserError):
        return InvalidRequest(NOT_UNDERSTOOD)
    return InternalError("This server failed to answer. Its log says why; ask its administrator.")


def _body(answer: APIError, *, base: str) -> dict[str, Any]:
    """base: the address of this server, as the client knows it."""
    body = {
        "detail": answer.message,
        "error_message": answer.message,
        "error_type": answer.error_type,
        "title": answer.error_type,
        "type": f"{base.rstrip('/')}/api/v1/error/{answer.error_type}",
        "status": int(answer.status),
    }
    if answer.status != HTTPStatus.NOT_FOUND:
        # Clients show `message` alone where there is one, and some look for the word not_found in what they show.
        body["message"] = answer.message
    return body | answer.extra
