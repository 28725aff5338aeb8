"""Signing in and out, the CSRF token for programs, and the theme."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from mirrors.errors import TooManyAttempts
from mirrors.services.accounts import sign_in

THEME_COOKIE = "theme"
YEAR = 365 * 24 * 3600


class SignInForm(AuthenticationForm):
    """User name and password; `retry_after` says how many seconds to wait after too many failures."""

    retry_after: int | None = None

    def clean(self) -> dict[str, Any]:
        """The framework's check; a pause is an error of the form."""
        try:
            return super().clean()
        except TooManyAttempts as error:
            self.retry_after = error.retry_after
            raise forms.ValidationError(error.message) from error


class SignInView(LoginView):
    """The sign-in page."""

    template_name = "web/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **values: Any) -> dict[str, Any]:
        """The form, and how the OpenID provider is called, if there is one."""
        return super().get_context_data(**values) | {"openid_name": settings.OIDC_NAME}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Begin the session."""
        sign_in.begin_session(self.request, form.get_user())
        return HttpResponseRedirect(self.get_success_url())

    def form_invalid(self, form: Any) -> HttpResponse:
        """Wrong name or password: 422, as for every form; 429 where it was not even looked at."""
        context = self.get_context_data(form=form)
        if form.retry_after is None:
            return self.render_to_response(context, status=422)
        return self.render_to_response(context, status=429, headers={"Retry-After": str(form.retry_after)})


def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Where the admin sends people: to the one page that signs in, except those who are signed in and no staff."""
    if not request.user.is_authenticated:
        return redirect(f"{resolve_url(settings.LOGIN_URL)}?{request.GET.urlencode()}")
    if request.user.is_staff:
        return redirect("admin:index")
    raise PermissionDenied("The administration pages are for staff.")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Signs out; POST alone, so that no link can do it."""
    sign_in.end_session(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@never_cache
@require_safe
def csrf_token(request: HttpRequest) -> JsonResponse:
    """The token with which programs sign in at /api/v1/signin, and the cookie that belongs to it (Quay's address)."""
    return JsonResponse({"csrf_token": get_token(request)})


@require_POST
def change_theme(request: HttpRequest) -> HttpResponse:
    """Switch between light and dark for those without JavaScript; with it, `app.js` sets the same cookie."""
    back = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        back = resolve_url("web:repositories")
    response = HttpResponseRedirect(back)
    theme = "light" if request.COOKIES.get(THEME_COOKIE) == "dark" else "dark"
    response.set_cookie(THEME_COOKIE, theme, max_age=YEAR, samesite="Lax")
    return response
