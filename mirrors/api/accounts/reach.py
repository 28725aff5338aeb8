"""Which organization or space a request is about, and whether its caller may do that."""

from __future__ import annotations

from rest_framework.request import Request

from mirrors.api.authentication import caller
from mirrors.api.errors import InsufficientScope, InvalidRequest
from mirrors.errors import NotFound
from mirrors.models import Namespace
from mirrors.services import access, namespaces, organizations


def administered_organization(request: Request, name: str) -> Namespace:
    """The organization, which the caller administers; all others are refused without learning whether it exists."""
    found = _visible(request, name)
    if found is not None and access.administers_namespace(request.user, found):
        return found
    raise _refusal(name)


def readable_organization(request: Request, name: str, *, for_members: bool = False) -> Namespace:
    """The same for reading: read-only superusers may as well. for_members: and whoever belongs to it."""
    found = _visible(request, name)
    if found is not None and access.may_see_namespace_settings(request.user, found):
        return found
    if found is not None and for_members and namespaces.is_member(request.user, found):
        return found
    raise _refusal(name)


def own_space(request: Request) -> Namespace:
    """The namespace of the caller."""
    return namespaces.find_namespace(caller(request).username)


def read_word(request: Request, name: str) -> str:
    """A text of the query, "" where it is missing."""
    word: str = request.query_params.get(name, "")
    if "\0" in word:  # PostgreSQL takes none, not even to look for it
        raise InvalidRequest(f"{name} in the query has a character that no name has.")
    return word


def _visible(request: Request, name: str) -> Namespace | None:
    """The organization; where there is none, NotFound for those who see everything, and None for all others."""
    try:
        return organizations.find_organization(name)
    except NotFound:
        if access.sees_everything(caller(request)):
            raise
        return None


def _refusal(name: str) -> InsufficientScope:
    return InsufficientScope(f"Unauthorized: you need to administer {name} for that.")
