"""OAuth's implicit grant: the page that asks, what it posts to, and the page that shows a token (Quay's addresses)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe

from mirrors.errors import InvalidInput, MirrorError
from mirrors.services.accounts import implicit_grant
from mirrors.services.accounts.implicit_grant import SCOPE_TITLES, Grant
from mirrors.web.pages import PageView
from mirrors.web.security import policy_with_forms_to

ERROR_CODES = {
    "client_id": "invalid_client",
    "scope": "invalid_scope",
    "response_type": "unsupported_response_type",
}
"""Of the value that is wrong, in the words of RFC 6749 §4.2.2.1; of all others it is invalid_request."""


class AuthorizePage(PageView):
    """GET /oauth/authorize: asks the person who is signed in."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The application, who made it, and what it would be allowed."""
        try:
            grant = _grant(request, request.GET)
        except MirrorError as error:
            return _refusal(request, error)
        context = {
            "grant": grant,
            "scopes": [(scope, SCOPE_TITLES[scope]) for scope in grant.scopes],
            "values": {name: value for name, value in request.GET.items() if name in _VALUES},
        }
        response = render(request, "web/authorize.html", context)
        # Browsers follow a form's redirect only to where its page says that forms go.
        response.headers["Content-Security-Policy"] = policy_with_forms_to(_origin(grant.redirect_uri))
        return response


class AuthorizeApplication(PageView):
    """POST /oauth/authorizeapp: makes the token. Clients without a browser come here at once."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """302 with the token in the fragment of Location, which no server sees."""
        try:
            return HttpResponseRedirect(_grant(request, request.POST).accept(self.user))
        except MirrorError as error:
            return _refusal(request, error)

    def handle_no_permission(self) -> Any:
        """401: whoever posts here came from no page of ours."""
        text = "Sign in first: a token is made for the account that is signed in."
        return _error(self.request, code="login_required", text=text, status=401)


class DenyApplication(PageView):
    """POST /oauth/denyapp: tells the application that the person does not want it."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """302 with the error in the fragment of Location."""
        try:
            return HttpResponseRedirect(_grant(request, request.POST).deny())
        except MirrorError as error:
            return _refusal(request, error)


@require_safe
def local_application(request: HttpRequest) -> HttpResponse:
    """GET /oauth/localapp: where tokens go that people make for themselves. The server never sees them."""
    response = render(request, "web/localapp.html")
    add_never_cache_headers(response)
    return response


_VALUES = ("client_id", "redirect_uri", "scope", "response_type", "state")


def _grant(request: HttpRequest, values: QueryDict) -> Grant:
    given = {name: values.get(name, "") for name in _VALUES}
    if "\0" in "".join(given.values()):  # PostgreSQL takes none, not even to look for it
        raise InvalidInput("A value has a character that none of them has.")
    return implicit_grant.check_grant(**given, local=_local_addresses(request))


def _local_addresses(request: HttpRequest) -> set[str]:
    """Of /oauth/localapp, as this server is known and as this client reaches it; never less safe than the request."""
    path = reverse("web:oauth-localapp")
    schemes = {"https", request.scheme}
    return {f"{settings.PUBLIC_URL}{path}"} | {f"{scheme}://{request.get_host()}{path}" for scheme in schemes}


def _refusal(request: HttpRequest, error: MirrorError) -> HttpResponse:
    code = ERROR_CODES.get(error.field, "invalid_request")
    return _error(request, code=code, text=error.message, status=400)


def _error(request: HttpRequest, *, code: str, text: str, status: int) -> HttpResponse:
    """Never a redirect: an address that is not known to be the application's is not sent to."""
    if request.get_preferred_type(["application/json", "text/html"]) != "text/html":
        return JsonResponse({"error": code, "error_description": text, "message": text}, status=status)
    return render(request, "web/oauth_error.html", {"text": text}, status=status)


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
