"""The address of the client behind reverse proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


def client_address(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: with TRUSTED_PROXIES, REMOTE_ADDR is what the outermost of them wrote into X-Forwarded-For.

    Further to the left stands what the client says itself, so it counts for nothing.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if settings.TRUSTED_PROXIES:
            hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
            if len(hops) >= settings.TRUSTED_PROXIES and _is_address(hops[-settings.TRUSTED_PROXIES]):
                request.META["REMOTE_ADDR"] = hops[-settings.TRUSTED_PROXIES]
        return get_response(request)

    return middleware


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
