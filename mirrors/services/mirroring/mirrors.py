"""A mirror's configuration: setting it up, changing it, switching it on and off, removing it.

Values come in under the names of `Mirror`'s columns. All are checked before anything is written, and everything is
written in one transaction.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from mirrors.errors import AlreadyExists, InvalidInput, NotFound, Outdated
from mirrors.models import Mirror, Repository, Robot, Sync
from mirrors.models.sync import Status
from mirrors.oci import IndexMode
from mirrors.services.accounts import robots
from mirrors.services.accounts.password_receivers import goes_elsewhere
from mirrors.services.mirroring import mirror_fields, mirror_log
from mirrors.services.organization_mirrors import organization_mirrors
from mirrors.services.syncs import schedules


def find_mirror(repository: Repository) -> Mirror:
    """The repository's mirror, with what pages and workers need of it; raises NotFound."""
    mirror = (
        Mirror.objects.select_related("repository__namespace__target_registry", "robot__namespace")
        .filter(repository=repository)
        .first()
    )
    if mirror is None:
        raise NotFound(f"{repository} is not mirrored.")
    return mirror


def create_mirror(repository: Repository, values: dict[str, Any]) -> Mirror:
    """Set up mirroring: the repository turns into the MIRROR state and the robot gets the right to write.

    Required: source_reference, tag_patterns, robot. Raises AlreadyExists, and InvalidInput naming the field.
    """
    check_manageable(repository)
    check_not_mirrored(repository)
    cleaned = mirror_fields.clean(values)
    for field in ("source_reference", "tag_patterns", "robot"):
        if field not in cleaned:
            raise InvalidInput(mirror_fields.MISSING[field], field=field)
    _check_robot(cleaned["robot"], repository)
    check_credentials(cleaned)
    _check_sparse(Mirror(), cleaned)
    try:
        with transaction.atomic():
            mirror = _write(Mirror(repository=repository), cleaned)
            Repository.objects.filter(pk=repository.pk).update(state=Repository.State.MIRROR)
            mirror_log.record_creation(mirror)
    except IntegrityError as error:  # the one-to-one with the repository: somebody was faster
        raise _already_mirrored(repository) from error
    repository.state = Repository.State.MIRROR
    return mirror


@transaction.atomic
def change_mirror(mirror: Mirror, values: dict[str, Any], *, versions: Collection[str] | None = None) -> Mirror:
    """Change what is given and nothing else. A running sync keeps the configuration it started with.

    versions: what `version_of` may say of it for the change to be made, else Outdated is raised; None: anything.
    """
    check_manageable(mirror.repository)
    cleaned = mirror_fields.clean(values)
    if "robot" in cleaned:
        _check_robot(cleaned["robot"], mirror.repository)
    check_credentials(cleaned)
    before = _lock(mirror)
    _check_version(before, versions)
    _check_sparse(before, cleaned)
    if cleaned.get("source_username", "") is None:
        cleaned["source_password"] = None
    if "registry_config_keys" in cleaned:
        cleaned["registry_config_keys"] = list(
            dict.fromkeys(before.registry_config_keys + cleaned["registry_config_keys"])
        )
    mirror = _write(mirror, _without_stray_password(before, cleaned))
    mirror_log.record_changes(before, mirror, fields=cleaned)
    if cleaned.get("is_enabled") is False:
        _withdraw_scheduled(mirror)
    return mirror


def delete_mirror(mirror: Mirror, *, versions: Collection[str] | None = None) -> None:
    """Stop mirroring for good: configuration and history go, the content stays, the repository is NORMAL again.

    A running sync stops within seconds: its worker finds that it has lost the lease. versions: as in `change_mirror`.
    """
    check_manageable(mirror.repository)
    remove_mirror(mirror, versions=versions)


def remove_mirror(mirror: Mirror, *, versions: Collection[str] | None = None) -> None:
    """The same for whoever removes more than the mirror, which may then be one of an organization's."""
    with transaction.atomic():
        # What a worker or beat writes meanwhile would refer to rows that are about to go.
        _check_version(_lock(mirror), versions)
        mirror_log.record_removal(mirror)
        mirror.delete()
        Repository.objects.filter(pk=mirror.repository_id).update(state=Repository.State.NORMAL)


def version_of(mirror: Mirror) -> str:
    """Another one after each change of the configuration; what syncs write leaves it as it is."""
    return f"{mirror.created_at:%Y%m%d%H%M%S%f}-{mirror.updated_at:%Y%m%d%H%M%S%f}"


def robot_for(repository: Repository, *, name: str = "mirror") -> Robot:
    """The namespace's robot of this name, made if need be: for doors that do not ask for one."""
    robot = repository.namespace.robots.filter(name=name).first()
    return robot or robots.create_robot(repository.namespace, name, description="Writes mirrored repositories")


def _write(mirror: Mirror, cleaned: dict[str, Any]) -> Mirror:
    """Set and save the columns of the cleaned values, and only those, so that two editors do not undo each other."""
    is_new = mirror.pk is None
    for field, value in cleaned.items():
        setattr(mirror, field, value)
    if "starts_at" in cleaned:
        mirror.next_sync_at = mirror.starts_at
    columns = {mirror_fields.COLUMNS.get(field, field) for field in cleaned} | {"next_sync_at", "updated_at"}
    mirror.save(update_fields=None if is_new else (columns if "starts_at" in cleaned else columns - {"next_sync_at"}))
    if "robot" in cleaned:
        robots.grant_write(mirror.robot, mirror.repository)
    return mirror


def _without_stray_password(before: Mirror, cleaned: dict[str, Any]) -> dict[str, Any]:
    """The values; with them the stored password is forgotten where they would have it shown to somebody else.

    Whoever administers the repository could send it to a host of their own otherwise, without ever having known it.
    """
    if "source_password" in cleaned or before.source_password_ciphertext is None:
        return cleaned
    after = copy.copy(before)
    for field, value in cleaned.items():
        setattr(after, field, value)
    if goes_elsewhere(before, after):
        cleaned["source_password"] = None
    return cleaned


def _lock(mirror: Mirror) -> Mirror:
    """Let nobody else change it before the transaction ends; NotFound where somebody has removed it.

    Gives the row as it is now, and brings the columns of `mirror` up to date. Its syncs first and then the mirror, as
    everyone does: workers, sweep, cancel. Else two would wait for each other.
    """
    list(Sync.objects.active().filter(mirror=mirror).select_for_update())
    row = Mirror.objects.select_for_update().filter(pk=mirror.pk).first()
    if row is None:
        raise NotFound(f"{mirror.repository} is not mirrored any more: somebody has just removed its mirror.")
    for field in Mirror._meta.concrete_fields:  # not refresh_from_db(), which forgets what was joined
        setattr(mirror, field.attname, getattr(row, field.attname))
    return row


def _check_version(mirror: Mirror, versions: Collection[str] | None) -> None:
    if versions is not None and version_of(mirror) not in versions:
        raise Outdated(
            f"Somebody has changed the mirror of {mirror.repository} since you read it. Read it again, and decide then."
        )


def _withdraw_scheduled(mirror: Mirror) -> None:
    """A disabled mirror starts nothing by itself: what the schedule had queued is taken back."""
    for sync in Sync.objects.filter(mirror=mirror, status=Status.QUEUED, priority__lt=Sync.MANUAL_PRIORITY):
        if sync.withdraw(message="The mirror was disabled before the sync started."):
            schedules.advance(mirror)


def _check_robot(robot: Robot, repository: Repository) -> None:
    if robot.namespace_id != repository.namespace_id:
        raise InvalidInput("Invalid robot", field="robot")


def _check_sparse(before: Mirror, cleaned: dict[str, Any]) -> None:
    """Raise InvalidInput where parts of indexes would be kept under the index's digest and the farm does not want that.

    A mirror that does so already stays, until its platforms or its mode are changed.
    """
    platforms = cleaned.get("platforms", before.platforms)
    mode = cleaned.get("index_mode", before.index_mode)
    if settings.FEATURE_SPARSE_INDEX or not platforms or mode != IndexMode.SPARSE:
        return
    if {"platforms", "index_mode"} & cleaned.keys():
        raise InvalidInput(
            "An architecture filter needs FEATURE_SPARSE_INDEX, which is off on this farm. Leave it empty, or set "
            "index_mode to rewritten.",
            field="platforms",
        )


def check_manageable(repository: Repository) -> None:
    """Raise InvalidInput where the mirror is a part of an organization's, and not managed by itself."""
    organization_mirrors.check_not_mirrored(repository.namespace, refusal=organization_mirrors.MANAGING_A_MIRROR)


def check_not_mirrored(repository: Repository) -> None:
    """Raise AlreadyExists where the repository has a mirror."""
    if Mirror.objects.filter(repository=repository).exists():
        raise _already_mirrored(repository)


def check_credentials(cleaned: dict[str, Any]) -> None:
    """Raise InvalidInput unless a password comes with its user name in the same change: Quay's rules."""
    if "source_password" not in cleaned:
        return
    if "source_username" not in cleaned:
        raise InvalidInput("Unable to set a new password without also specifying a username.", field="source_password")
    if cleaned["source_username"] is None and cleaned["source_password"] is not None:
        raise InvalidInput("Unable to delete username while setting a password.", field="source_username")


def _already_mirrored(repository: Repository) -> AlreadyExists:
    # "exits": Quay's own spelling, which clients may compare with.
    return AlreadyExists(f"Mirror configuration already exits for repository {repository}", field="repository")
