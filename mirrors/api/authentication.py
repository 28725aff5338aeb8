"""Who is calling: an access token, or a browser's session."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework import authentication
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from mirrorfarm.csrf import CSRFMiddleware
from mirrors.api.errors import CSRFRefused, InsufficientScope, NotSignedIn
from mirrors.models import AccessToken, User
from mirrors.services import access
from mirrors.services.accounts import access_tokens

IMPLIED = {
    "repo:admin": {"repo:write", "repo:read"},
    "repo:write": {"repo:read"},
    "org:admin": {"repo:create"},
    "user:admin": {"user:read"},
}
"""Scopes are ladders: the upper step holds the lower ones."""


class BearerAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <access token>`; no CSRF token needed."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        """User and token; None without a Bearer header; a token that is not valid is refused, whatever the method."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = access_tokens.find_token(text.strip())
        if token is None:
            raise NotSignedIn("The access token is not valid. It may have expired or been revoked: make a new one.")
        return access.user_of(token), token


class _CSRFCheck(CSRFMiddleware):
    """The pages' check, for views that the middleware lets pass: it only tells that something is wrong."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return HttpResponse(reason)


class SessionAuthentication(authentication.SessionAuthentication):
    """The session of the pages. Without a token every change needs a CSRF token, signed in or not."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """The session's user."""
        if request.method not in SAFE_METHODS:
            self.enforce_csrf(request)
        user = getattr(request._request, "user", None)
        return (user, None) if user and user.is_active else None

    def enforce_csrf(self, request: Request) -> None:
        """Raise CSRFRefused, with Quay's words."""
        # Django's own request: the check reads POST, which must not set off the framework's parsers.
        inner: HttpRequest = getattr(request, "_request", request)
        check = _CSRFCheck(lambda _: HttpResponse())
        check.process_request(inner)
        if check.process_view(inner, lambda _: HttpResponse(), (), {}) is not None:
            raise CSRFRefused


class HoldsScope(BasePermission):
    """The view's `scopes` name what each method asks for; a method that is not named is open to everyone."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True, or NotSignedIn, or InsufficientScope."""
        scope = getattr(view, "scopes", {}).get("GET" if request.method == "HEAD" else request.method)
        if scope is None:
            return True
        caller(request)
        if not has_scope(request, scope):
            raise InsufficientScope(f"Unauthorized: the access token lacks the scope {scope}.")
        return True


def caller(request: Request) -> User:
    """The account behind the request; raises NotSignedIn."""
    if not isinstance(request.user, User):
        raise NotSignedIn("Requires authentication")
    return request.user


def has_scope(request: Request, scope: str) -> bool:
    """Whether the token holds the scope; a session holds all, nobody holds none."""
    if isinstance(request.auth, AccessToken):
        held = request.auth.scope_set
        return scope in held or any(scope in IMPLIED.get(upper, ()) for upper in held)
    return bool(request.user and request.user.is_authenticated)
