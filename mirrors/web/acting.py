"""Who acts, for the audit log: told once per request."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from mirrors.services.logs.log_entries import acting


def acting_account(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, after that of authentication: the session's user, until the API finds a token in the request."""

    def middleware(request: HttpRequest) -> HttpResponse:
        # request.user is read from the database when something is recorded, not before.
        agent = request.headers.get("User-Agent", "")
        address = request.META.get("REMOTE_ADDR", "").partition("%")[0]  # no database stores an IPv6 zone
        with acting(request.user, ip=address or None, user_agent=agent):
            return get_response(request)

    return middleware
