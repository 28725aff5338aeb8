"""A mirror's configuration: setting it up, changing it, switching it on and off, removing it.

Values come in under the names of `Mirror`'s columns. All are checked before anything is written, and everything is
written in one transaction.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from mirrors.errors import AlreadyExists, InvalidInput, NotFound
from mirrors.models import Mirror, Repository, Robot, Sync
from mirrors.models.sync import Status
from mirrors.services import mirror_fields, namespaces, schedules


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
    check_not_mirrored(repository)
    cleaned = mirror_fields.clean(values)
    for field in ("source_reference", "tag_patterns", "robot"):
        if field not in cleaned:
            raise InvalidInput(mirror_fields.MISSING[field], field=field)
    _check_robot(cleaned["robot"], repository)
    check_credentials(cleaned)
    try:
        with transaction.atomic():
            mirror = _write(Mirror(repository=repository), cleaned)
            Repository.objects.filter(pk=repository.pk).update(state=Repository.State.MIRROR)
    except IntegrityError as error:  # the one-to-one with the repository: somebody was faster
        raise _already_mirrored(repository) from error
    repository.state = Repository.State.MIRROR
    return mirror


@transaction.atomic
def change_mirror(mirror: Mirror, values: dict[str, Any]) -> Mirror:
    """Change what is given and nothing else. A running sync keeps the configuration it started with."""
    cleaned = mirror_fields.clean(values)
    if "robot" in cleaned:
        _check_robot(cleaned["robot"], mirror.repository)
    check_credentials(cleaned)
    _lock(mirror)
    if cleaned.get("source_username", "") is None:
        cleaned["source_password"] = None
    mirror = _write(mirror, cleaned)
    if cleaned.get("is_enabled") is False:
        _withdraw_scheduled(mirror)
    return mirror


def delete_mirror(mirror: Mirror) -> None:
    """Stop mirroring for good: configuration and history go, the content stays, the repository is NORMAL again."""
    with transaction.atomic():
        _lock(mirror)  # what a worker or beat writes meanwhile would refer to rows that are about to go
        mirror.delete()
        Repository.objects.filter(pk=mirror.repository_id).update(state=Repository.State.NORMAL)


def robot_for(repository: Repository, *, name: str = "mirror") -> Robot:
    """The namespace's robot of this name, made if need be: for doors that do not ask for one."""
    robot = repository.namespace.robots.filter(name=name).first()
    return robot or namespaces.create_robot(repository.namespace, name, description="Writes mirrored repositories")


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
        namespaces.grant_write(mirror.robot, mirror.repository)
    return mirror


def _lock(mirror: Mirror) -> None:
    """Let nobody else change it before the transaction ends; NotFound where somebody has removed it.

    Its syncs first and then the mirror, as everyone does: workers, sweep, cancel. Else two would wait for each other.
    """
    list(Sync.objects.active().filter(mirror=mirror).select_for_update())
    if not Mirror.objects.select_for_update().filter(pk=mirror.pk):
        raise NotFound(f"{mirror.repository} is not mirrored any more: somebody has just removed its mirror.")


def _withdraw_scheduled(mirror: Mirror) -> None:
    """A disabled mirror starts nothing by itself: what the schedule had queued is taken back."""
    for sync in Sync.objects.filter(mirror=mirror, status=Status.QUEUED, priority__lt=Sync.MANUAL_PRIORITY):
        if sync.withdraw(message="The mirror was disabled before the sync started."):
            schedules.advance(mirror)


def _check_robot(robot: Robot, repository: Repository) -> None:
    if robot.namespace_id != repository.namespace_id:
        raise InvalidInput("Invalid robot", field="robot")


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
