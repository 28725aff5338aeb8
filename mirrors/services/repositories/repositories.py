"""Repositories: making, changing and removing them; what each account has starred."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial

from django.db import transaction

from mirrors.errors import Forbidden, InvalidInput, NotFound, NotSyncing
from mirrors.models import Mirror, Namespace, Repository, RepositoryPermission, Sync, User
from mirrors.services import access
from mirrors.services.accounts import namespaces
from mirrors.services.logs.log_entries import record
from mirrors.services.mirroring.mirrors import remove_mirror
from mirrors.services.new_rows import check_description, refusing_duplicates, validate
from mirrors.services.organization_mirrors import organization_mirrors
from mirrors.services.syncs import connections, syncs

logger = logging.getLogger(__name__)

State = Repository.State
SETTABLE_STATES = (State.NORMAL, State.READ_ONLY, State.MIRROR)
"""ORG_MIRROR comes and goes with the organization's mirror alone."""


def create_repository(
    namespace: Namespace,
    name: str,
    *,
    by: User,
    visibility: str = Repository.Visibility.PRIVATE,
    description: str = "",
) -> Repository:
    """Make an empty repository in the NORMAL state; its maker administers it.

    Raises Forbidden, AlreadyExists, and InvalidInput for a bad name or where the whole organization is mirrored.
    """
    if not access.may_create_repository(by, namespace):
        raise Forbidden(f"You may not create repositories in {namespace}.")
    repository = Repository(namespace=namespace, name=name, visibility=visibility, description=description)
    validate(repository, exclude={"namespace"})
    with refusing_duplicates("Repository already exists", field="repository"):
        namespaces.lock(namespace)
        organization_mirrors.check_not_mirrored(namespace, refusal=organization_mirrors.CREATING_A_REPOSITORY)
        repository.save()
        if not access.administers_namespace(by, namespace):
            RepositoryPermission.objects.create(repository=repository, user=by, role=access.Role.ADMIN)
        record("create_repo", repository=repository)
    return repository


@transaction.atomic
def describe(repository: Repository, description: str) -> None:
    """Set the description; raises InvalidInput for one that is too long."""
    check_description(description)
    _set(repository, description=description)
    record("set_repo_description", repository=repository, description=description)


@transaction.atomic
def change_visibility(repository: Repository, visibility: str) -> None:
    """Make it public or private."""
    _set(repository, visibility=visibility)
    record("change_repo_visibility", repository=repository, visibility=visibility)


def change_state(repository: Repository, state: str, *, by: User | None = None) -> None:
    """Set one of SETTABLE_STATES; the mirror's configuration stays, its running sync is cancelled outside of MIRROR.

    Raises InvalidInput for another state, and where the whole organization is mirrored.
    """
    if state not in SETTABLE_STATES:
        raise InvalidInput(f"state must be {' or '.join(SETTABLE_STATES)}.", field="state")
    with transaction.atomic():
        namespaces.lock(repository.namespace)
        organization_mirrors.check_not_mirrored(repository.namespace, refusal=organization_mirrors.CHANGING_A_STATE)
        # Syncs before repositories, as everyone does: this may be a part of a larger transaction, which cancels them.
        active = Sync.objects.active().filter(mirror__repository=repository).order_by("pk")
        list(active.select_for_update(of=("self",)).values_list("pk"))
        _set(repository, state=state)
        record("change_repo_state", repository=repository, state_changed=state)
    mirror = Mirror.objects.select_related("repository__namespace").filter(repository=repository).first()
    if mirror is not None and state != State.MIRROR:
        with suppress(NotSyncing):
            syncs.cancel_sync(mirror, by=by)


@transaction.atomic
def delete_repository(repository: Repository) -> None:
    """Remove it for good, with its mirror, and its content in the built-in store; a remote registry keeps what it has.

    A running sync ends as soon as its worker sees that its row is gone; what that one still writes into the store goes
    with the garbage. Raises NotFound where somebody was faster.
    """
    if mirror := Mirror.objects.filter(repository=repository).first():
        with suppress(NotFound):  # somebody has just removed the mirror
            remove_mirror(mirror)
    # What others write at this moment would refer to a row that is about to go.
    # Not by name, which would lock the namespace too, and that comes before everything that is in it.
    if not Repository.objects.order_by().select_for_update().filter(pk=repository.pk):
        raise NotFound(f"There is no repository {repository} any more: somebody has just deleted it.")
    record("delete_repo", repository=repository)
    if repository.namespace.target_registry_id is None:
        transaction.on_commit(partial(delete_content, repository.full_name))
    repository.delete()


def star(repository: Repository, *, user: User) -> None:
    """Put it among the user's starred ones, if it is not there."""
    user.starred.add(repository)


def unstar(full_name: str, *, user: User) -> None:
    """Take it from among the user's starred ones; raises NotFound where there is no such repository that they see."""
    namespace, _, name = full_name.partition("/")
    starred = user.starred.filter(namespace__name=namespace, name=name).first()
    # One that they may not see any more can still be taken away.
    user.starred.remove(starred or access.find_repository(full_name, account=user))


def _set(repository: Repository, **values: str) -> None:
    for column, value in values.items():
        setattr(repository, column, value)
    repository.save(update_fields=list(values))


def delete_content(name: str) -> None:
    """Remove what the built-in store has of `namespace/name`, once its row is gone."""
    try:
        connections.store().delete_repository(name)
    except OSError:
        # The repository is gone all the same; garbage collection tries again.
        logger.exception("The content of %s could not be removed from the built-in store", name)
