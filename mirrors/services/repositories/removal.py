"""Removing a whole namespace, an organization's or a person's own, with everything that belongs to it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from django.db import models, transaction

from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Mirror, Namespace, Repository, Sync
from mirrors.services.accounts import namespaces
from mirrors.services.logs import log_entries
from mirrors.services.organization_mirrors import organization_mirrors
from mirrors.services.repositories.repositories import delete_content


@transaction.atomic
def delete_namespace(namespace: Namespace) -> None:
    """Remove it with its mirrors, repositories, their content in the built-in store, teams and robots: all or nothing.

    A running sync stops within seconds: its worker finds that it has lost the lease. Content goes once all is
    committed; a remote registry keeps what it has. Raises InvalidInput where something else depends on a part of it.
    """
    with suppress(NotFound):  # most are not mirrored as a whole
        organization_mirrors.delete_organization_mirror(namespace)
    repositories = _locked_repositories(namespace)
    log_entries.record_all([log_entries.entry_of("delete_repo", repository=each) for each in repositories])
    if namespace.target_registry_id is None:
        transaction.on_commit(partial(_delete_contents, [each.full_name for each in repositories]))
    try:
        namespace.delete()
    except (models.RestrictedError, models.ProtectedError) as error:
        raise InvalidInput(
            f"{namespace} cannot be removed: one of its robots writes mirrors of another organization. "
            "Give those another robot first.",
            field="namespace",
        ) from error


def _locked_repositories(namespace: Namespace) -> list[Repository]:
    """Everything in it, which nobody changes or adds to before the transaction ends; see `mirrors._lock`."""
    namespaces.lock(namespace)
    mirrors = Mirror.objects.filter(repository__namespace=namespace)
    syncs = Sync.objects.active().filter(mirror__in=mirrors)
    list(syncs.order_by("pk").select_for_update(of=("self",)).values_list("pk"))
    list(mirrors.order_by("pk").select_for_update(of=("self",)).values_list("pk"))
    found = Repository.objects.select_related("namespace").filter(namespace=namespace).order_by("pk")
    return list(found.select_for_update(of=("self",)))


def _delete_contents(names: list[str]) -> None:
    for name in names:
        delete_content(name)
