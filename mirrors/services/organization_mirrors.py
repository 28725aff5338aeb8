"""Mirrors of whole organizations: setting them up, changing and removing them, asking for a discovery."""

from __future__ import annotations

from mirrors.errors import InvalidInput
from mirrors.models import Namespace, OrganizationMirror

CREATING_A_REPOSITORY = "Cannot create repository: organization is managed by organization-level mirroring"
CHANGING_A_STATE = "Cannot change repository state: organization is managed by organization-level mirroring"
MANAGING_A_MIRROR = (
    "Repository mirror configuration cannot be managed while organization-level mirroring is configured for this "
    "organization."
)


def check_not_mirrored(namespace: Namespace, *, refusal: str) -> None:
    """Raise InvalidInput with this text where the whole organization is mirrored.

    Who makes a repository asks inside the transaction, and after `lock`: an organization mirror wants an empty place.
    """
    if OrganizationMirror.objects.filter(namespace=namespace).exists():
        raise InvalidInput(refusal, field="namespace")


def lock(namespace: Namespace) -> None:
    """Until the transaction ends, let nobody else make a repository or an organization mirror in this namespace."""
    list(Namespace.objects.select_for_update().filter(pk=namespace.pk).values_list("pk"))
