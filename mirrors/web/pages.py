"""What every page has in common: who may open it, and what a refusal looks like."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.cache import add_never_cache_headers
from django.views.generic import View

from mirrors.errors import Forbidden, NotFound
from mirrors.models import Repository, User
from mirrors.services import access


class PageView(LoginRequiredMixin, View):
    """A page for people who are signed in. The services' NotFound and Forbidden become 404 and 403 pages."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, or say what is in the way. No cache keeps it: it is for who is signed in now."""
        try:
            response = super().dispatch(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(error.message) from error
        except Forbidden as error:
            raise PermissionDenied(error.message) from error
        add_never_cache_headers(response)
        return response

    def handle_no_permission(self) -> Any:
        """Send people to sign in; a fragment takes its whole page there."""
        if not is_fragment(self.request):
            return super().handle_no_permission()
        return HttpResponse(headers={"HX-Redirect": resolve_url(settings.LOGIN_URL)})

    @property
    def user(self) -> User:
        """Who is signed in."""
        return cast(User, self.request.user)


class RepositoryView(PageView):
    """A page about the repository in the address."""

    def find_repository(self, *, administer: bool) -> Repository:
        """The repository; raises NotFound or Forbidden for those who may not."""
        full_name = f"{self.kwargs['namespace']}/{self.kwargs['name']}"
        return access.find_repository(full_name, account=self.user, administer=administer)


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks, and wants a part of a page."""
    return request.headers.get("HX-Request") == "true"
