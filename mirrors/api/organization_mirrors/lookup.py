"""Finding the organization that a request is about."""

from __future__ import annotations

from rest_framework.request import Request

from mirrors.api.authentication import caller
from mirrors.api.errors import InsufficientScope
from mirrors.errors import NotFound
from mirrors.models import Namespace
from mirrors.services import access, organizations


def administered_organization(request: Request, name: str, *, reading: bool = False) -> Namespace:
    """The organization, for whoever administers it; reading: for whoever sees everything, too.

    Only those who may see every organization learn that there is none of this name.
    """
    account = caller(request)
    refusal = InsufficientScope(f"Unauthorized: you need to administer the organization {name} for that.")
    sees_all = access.sees_everything(account) if reading else account.is_superuser
    try:
        found = organizations.find_organization(name)
    except NotFound:
        if sees_all:
            raise
        raise refusal from None
    if not (sees_all or access.administers_namespace(account, found)):
        raise refusal
    return found
