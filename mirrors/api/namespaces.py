"""Which organization or space a request is about, and whether its caller may do that."""

from __future__ import annotations

from rest_framework.request import Request

from mirrors.api.authentication import caller
from mirrors.api.errors import InsufficientScope
from mirrors.errors import NotFound
from mirrors.models import Namespace
from mirrors.services import access
from mirrors.services.accounts import namespaces, organizations


def administered_organization(request: Request, name: str, *, reading: bool = False) -> Namespace:
    """The organization, for whoever administers it; reading: for whoever sees everything, too.

    Only those who may do this to every organization learn that there is none of this name.
    """
    return _organization(request, name, reading=reading, for_members=False)


def readable_organization(request: Request, name: str, *, for_members: bool = False) -> Namespace:
    """The same for reading. for_members: for whoever belongs to it, too."""
    return _organization(request, name, reading=True, for_members=for_members)


def own_space(request: Request) -> Namespace:
    """The namespace of the caller."""
    return namespaces.find_namespace(caller(request).username)


def _organization(request: Request, name: str, *, reading: bool, for_members: bool) -> Namespace:
    account = caller(request)
    reaches_all = access.reaches_everything(account, reading=reading)
    refusal = InsufficientScope(f"Unauthorized: you need to administer the organization {name} for that.")
    try:
        found = organizations.find_organization(name)
    except NotFound:
        if reaches_all:
            raise
        raise refusal from None
    if reaches_all or access.administers_namespace(account, found):
        return found
    if for_members and namespaces.is_member(account, found):
        return found
    raise refusal
