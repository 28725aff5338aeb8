"""Removing a whole namespace, an organization's or a person's own, with everything that belongs to it."""

from __future__ import annotations

from django.db import models, transaction

from mirrors.errors import InvalidInput
from mirrors.models import Namespace, OrganizationMirror, Repository
from mirrors.services import namespaces, repositories


@transaction.atomic
def delete_namespace(namespace: Namespace) -> None:
    """Remove it with its mirrors, repositories, their content in the built-in store, teams and robots: all or nothing.

    A running sync stops within seconds: its worker finds that it has lost the lease. Content goes once all is
    committed. Raises InvalidInput where something else depends on a part of it.
    """
    # Without this the discovered repositories would be looked after by the organization's mirror alone.
    OrganizationMirror.objects.filter(namespace=namespace).delete()
    _delete_repositories(namespace)
    namespaces.lock(namespace)
    _delete_repositories(namespace)  # that were made before the lock was held
    try:
        namespace.delete()
    except (models.RestrictedError, models.ProtectedError) as error:
        raise InvalidInput(
            f"{namespace} cannot be removed: one of its robots writes mirrors of another organization. "
            "Give those another robot first.",
            field="namespace",
        ) from error


def _delete_repositories(namespace: Namespace) -> None:
    found = Repository.objects.select_related("namespace__target_registry").filter(namespace=namespace)
    for repository in found.order_by("pk").iterator():
        repositories.delete_repository(repository)
