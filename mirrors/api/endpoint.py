"""What all endpoints share: JSON only, and a scope for each method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.utils.cache import add_never_cache_headers
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mirrors.api.authentication import BearerAuthentication, HoldsScope, SessionAuthentication, caller, has_scope
from mirrors.api.errors import InsufficientScope, NoSuchRoute
from mirrors.models import AccessToken, User
from mirrors.models.repository import RepositoryPermission
from mirrors.services import access
from mirrors.services.collisions import TRIES, again_after_collision, is_collision
from mirrors.services.logs import log_entries


class JSONAlways(BaseContentNegotiation):
    """JSON, whatever the request would like: as Quay does."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """The one renderer."""
        return renderers[0], renderers[0].media_type

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The one parser; see `bodies` for what really reads."""
        return parsers[0]


class Endpoint(APIView):
    """One address. `scopes`: the scope that each method asks for; a method that is not named is open to everyone."""

    scopes: ClassVar[Mapping[str, str]] = {}
    authentication_classes: Sequence[type[BaseAuthentication]] = (BearerAuthentication, SessionAuthentication)
    permission_classes = (HoldsScope,)
    content_negotiation_class = JSONAlways
    metadata_class = None  # OPTIONS is 405

    def initial(self, request: Request, *args: Any, **options: Any) -> None:
        """Authentication, scopes; then the audit log learns who calls."""
        super().initial(request, *args, **options)
        token = request.auth if isinstance(request.auth, AccessToken) else None
        log_entries.identify(request.user, token=token)

    def handle_exception(self, exc: Exception) -> Response:
        """Again where the call has met another one: somebody may just have deleted what it was about."""
        if not is_collision(exc):
            return super().handle_exception(exc)
        try:
            answer = again_after_collision(self._call, tries=TRIES - 1)
        except Exception as error:  # noqa: BLE001 - whatever it is now is answered as it would have been at first
            return super().handle_exception(error)
        return answer

    def _call(self) -> Response:
        """What `dispatch` does within its net: who calls is looked at again too, for the first look may have failed."""
        self.initial(self.request, *self.args, **self.kwargs)
        method = str(self.request.method).lower()
        known = method in self.http_method_names
        handler = getattr(self, method, self.http_method_not_allowed) if known else self.http_method_not_allowed
        answer: Response = handler(self.request, *self.args, **self.kwargs)
        return answer

    def finalize_response(self, request: Request, response: Any, *args: Any, **options: Any) -> Any:
        """Not to be kept anywhere: answers hold robots' tokens, and what only this caller may know."""
        response = super().finalize_response(request, response, *args, **options)
        if request.method == "HEAD" and response.streaming:
            # A server that only drops what it is given would take minutes, and never notice that the client has gone.
            response.streaming_content = ()
        add_never_cache_headers(response)
        return response


class UnknownRoute(Endpoint):
    """Everything under /api that is nowhere else."""

    schema = None  # in no document
    authentication_classes = ()

    def initial(self, request: Request, *args: Any, **options: Any) -> None:
        """404 for every method."""
        super().initial(request, *args, **options)
        raise NoSuchRoute(f"There is no {request.path} in this API.")


def require_role(
    request: Request, full_name: str, *, role: RepositoryPermission.Role, reading: bool = False
) -> User | None:
    """The account to find the repository with; refuses, without telling whether it exists, whoever lacks the role.

    Where there is no such repository, whoever administers its namespace passes: they may learn that it is missing.
    A token without the role's scope counts as nobody, who may still read what is public.
    reading: nothing is going to be changed, so read-only superusers pass as well.
    """
    account = caller(request) if has_scope(request, f"repo:{role}") else None
    if not access.has_role_on_name(account, full_name, role=role, reading=reading):
        caller(request)
        raise InsufficientScope(f"Unauthorized: {full_name} needs the role and the scope repo:{role}.")
    return account
