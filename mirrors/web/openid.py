"""Signing in with OpenID Connect: to the provider, and back."""

from __future__ import annotations

import logging
from typing import Any

import requests
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from jwt import PyJWTError
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from mirrors.services.accounts import sign_in
from mirrors.web.accounts import SignInForm

logger = logging.getLogger(__name__)

REFUSED = "{name} did not sign you in, or no account here is yours. Try again, or ask the administrator of this farm."
UNREACHABLE = "{name} did not answer as it should. Try again in a moment; the log of this farm says what was wrong."
NOT_TRUSTED = (
    "That sign-in cannot be trusted: it was begun in another browser, or has been used, "
    "or was meant for somebody else. Begin it again."
)


class _OnlyWithProvider:
    """404 while the settings name no provider."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.OIDC_ISSUER:
            raise Http404("Signing in with OpenID is not set up.")
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]  # of the view
        return answer


class AuthenticateView(_OnlyWithProvider, OIDCAuthenticationRequestView):  # type: ignore[misc]  # no types
    """GET /oidc/authenticate?next=…: to the provider."""


class CallbackView(_OnlyWithProvider, OIDCAuthenticationCallbackView):  # type: ignore[misc]  # no types
    """GET /oidc/callback: back from there."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Begin a session, or show the sign-in page with a sentence."""
        try:
            answer: HttpResponse = super().get(request)
        except SuspiciousOperation as error:
            logger.warning("An OpenID sign-in was refused: %s", error)
            return _page(request, NOT_TRUSTED, status=403)
        except requests.RequestException as error:
            # Never its text: it may hold what the token endpoint answered.
            logger.warning("The OpenID provider failed: %s", type(error).__name__)
            return _page(request, UNREACHABLE, status=502)
        except (PyJWTError, ValueError, KeyError, TypeError, AttributeError) as error:
            # The library reads the provider's JSON and tokens without looking first.
            logger.warning("The OpenID provider sent what is no answer: %s", type(error).__name__)
            return _page(request, UNREACHABLE, status=502)
        return answer

    def login_success(self) -> HttpResponse:
        """Begin the session."""
        sign_in.begin_session(self.request, self.user, kind="oidc")
        return HttpResponseRedirect(self.success_url)

    def login_failure(self) -> HttpResponse:
        """Say so."""
        return _page(self.request, REFUSED, status=403)


def _page(request: HttpRequest, text: str, *, status: int) -> HttpResponse:
    context = {"form": SignInForm(request), "openid_name": settings.OIDC_NAME}
    return render(
        request, "web/sign_in.html", context | {"openid_error": text.format(name=settings.OIDC_NAME)}, status=status
    )
