"""Signing in and out, and the theme."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

THEME_COOKIE = "theme"
YEAR = 365 * 24 * 3600


class SignInView(LoginView):
    """The sign-in page."""

    template_name = "web/sign_in.html"
    redirect_authenticated_user = True

    def form_invalid(self, form: Any) -> HttpResponse:
        """Wrong name or password: 422, as for every form."""
        return self.render_to_response(self.get_context_data(form=form), status=422)


class SignOutView(LogoutView):
    """Signs out; POST alone, so that no link can do it."""


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
