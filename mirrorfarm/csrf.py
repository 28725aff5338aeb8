"""Django's CSRF protection, which takes the token in Quay's spellings too."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from django.middleware.csrf import CsrfViewMiddleware

QUAY_HEADER = "X-CSRF-Token"
QUAY_FIELD = "_csrf_token"


class CSRFMiddleware(CsrfViewMiddleware):
    """Also in the header X-CSRF-Token and the form field _csrf_token, and over TLS without a Referer.

    Django asks for a Referer where there is no Origin. Every browser sends an Origin with a form or a script's request
    to another site; Quay's clients are no browsers and send neither. Without both, the token alone decides.
    """

    def _check_token(self, request: HttpRequest) -> None:
        token = request.headers.get(QUAY_HEADER) or _field(request)
        if token:
            request.META.setdefault(settings.CSRF_HEADER_NAME, token)
        super()._check_token(request)  # type: ignore[misc]  # not in the stubs

    def _check_referer(self, request: HttpRequest) -> None:
        if "Referer" in request.headers:
            super()._check_referer(request)  # type: ignore[misc]


def _field(request: HttpRequest) -> str:
    try:
        return request.POST.get(QUAY_FIELD, "") if request.method == "POST" else ""
    except UnreadablePostError:  # the connection is gone; the check fails as it does without a token
        return ""
