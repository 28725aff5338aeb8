"""What Django itself answers when something is wrong: JSON under /api, pages elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views import csrf, defaults

from mirrors.api.errors import APIError, CSRFRefused, InsufficientScope, InternalError, InvalidRequest, NoSuchRoute
from mirrors.api.errors import plain_answer as as_json

WRONG_HOST = "This server does not answer under that host name: add it to ALLOWED_HOSTS, or use the name of PUBLIC_URL."
TOO_LARGE = "The request body is too large."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: a wrong host name, a body that is too large, and whatever else cannot be read."""
    if not is_api(request):
        return defaults.bad_request(request, exception)
    if isinstance(exception, DisallowedHost):
        return as_json(InvalidRequest(WRONG_HOST))
    if isinstance(exception, RequestDataTooBig):
        return as_json(InvalidRequest(TOO_LARGE))
    return as_json(InvalidRequest("The browser (or proxy) sent a request that this server could not understand."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return _answer(request, InsufficientScope("Unauthorized"), lambda: defaults.permission_denied(request, exception))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    missing = NoSuchRoute(f"There is no {request.path} in this API.")
    return _answer(request, missing, lambda: defaults.page_not_found(request, exception))


def server_error(request: HttpRequest) -> HttpResponse:
    """500. What was wrong is in the log."""
    fault = InternalError("This server failed to answer. Its log says why; ask its administrator.")
    return _answer(request, fault, lambda: defaults.server_error(request))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without its token; JSON too for a client that would rather have that."""
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return as_json(CSRFRefused())
    return _answer(request, CSRFRefused(), lambda: csrf.csrf_failure(request, reason=reason))


def is_api(request: HttpRequest) -> bool:
    """Whether the address belongs to the API."""
    return request.path == "/api" or request.path.startswith("/api/")


def _answer(request: HttpRequest, error: APIError, page: Callable[[], HttpResponse]) -> HttpResponse:
    return as_json(error) if is_api(request) else page()
