"""Robots: accounts for machines, each in one namespace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.db import models, transaction
from django.db.models import Prefetch, QuerySet

from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Namespace, Repository, RepositoryPermission, Robot, TeamMember
from mirrors.services import access
from mirrors.services.logs import log_entries
from mirrors.services.new_rows import refusing_duplicates, validate

MOST_FEDERATIONS = 100


def create_robot(
    namespace: Namespace, name: str, *, description: str = "", unstructured_metadata: dict[str, Any] | None = None
) -> Robot:
    """Make a robot with a fresh token. unstructured_metadata: whatever its maker wants to read again."""
    metadata = unstructured_metadata or {}
    robot = Robot(namespace=namespace, name=name, description=description, unstructured_metadata=metadata)
    validate(robot, exclude={"namespace"})
    with refusing_duplicates(f"Existing robot with name: {robot.full_name}", field="robot"):
        robot.save()
        log_entries.record(
            "create_robot",
            namespace=namespace,
            robot=name,
            description=description,
            unstructured_metadata=metadata,
        )
    return robot


def find_robot(full_name: str) -> Robot:
    """The robot of this `namespace+name`; raises NotFound."""
    namespace, _, name = full_name.partition("+")
    robot = Robot.objects.select_related("namespace").filter(namespace__name=namespace, name=name).first()
    if robot is None:
        raise NotFound("Could not find robot with specified username", field="robot")
    return robot


def robots_of(namespace: Namespace, *, limit: int | None = None) -> QuerySet[Robot]:
    """The namespace's robots by name, `limit` of them at most."""
    found = namespace.robots.select_related("namespace").order_by("name")
    return found if limit is None else found[:limit]


def with_rights(robots: QuerySet[Robot]) -> QuerySet[Robot]:
    """The same with their teams and the repositories they have roles on, in two queries more."""
    members = TeamMember.objects.select_related("team").order_by("team__name")
    permissions = RepositoryPermission.objects.select_related("repository").order_by("repository__name")
    return robots.prefetch_related(
        Prefetch("team_memberships", members), Prefetch("repositorypermission_set", permissions)
    )


def permissions_of(robot: Robot) -> QuerySet[RepositoryPermission]:
    """The roles that were given to the robot itself."""
    return (
        RepositoryPermission.objects.select_related("repository__namespace")
        .filter(robot=robot)
        .order_by("repository__name")
    )


@transaction.atomic
def delete_robot(robot: Robot) -> None:
    """Remove the robot; raises InvalidInput while a mirror, of a repository or an organization, writes as it."""
    try:
        robot.delete()
    except models.RestrictedError as error:
        raise InvalidInput("Robot is being used by a mirror", field="robot") from error
    log_entries.record("delete_robot", namespace=robot.namespace, robot=robot.name)


@transaction.atomic
def regenerate_token(robot: Robot) -> Robot:
    """Give it a new token; the old one opens nothing from now on."""
    robot.regenerate_token()
    robot.save(update_fields=["token_ciphertext"])
    log_entries.record("regenerate_robot_token", namespace=robot.namespace, robot=robot.name)
    return robot


@transaction.atomic
def set_federations(robot: Robot, federations: Sequence[dict[str, str]]) -> Robot:
    """Set the identities of other services, each `issuer` and `subject`; raises InvalidInput."""
    check_federations(federations)
    robot.federations = list(federations)
    robot.save(update_fields=["federations"])
    log_entries.record(
        "create_robot_federation", namespace=robot.namespace, robot=robot.full_name, config=robot.federations
    )
    return robot


@transaction.atomic
def clear_federations(robot: Robot) -> None:
    """Forget the identities of other services."""
    robot.federations = []
    robot.save(update_fields=["federations"])
    log_entries.record("delete_robot_federation", namespace=robot.namespace, robot=robot.full_name)


def check_federations(federations: Sequence[dict[str, str]]) -> None:
    """Raise InvalidInput for an issuer that is no URL, an empty subject, what is given twice, and too many."""
    if len(federations) > MOST_FEDERATIONS:
        raise InvalidInput(f"A robot may have {MOST_FEDERATIONS} identities at most.", field="federations")
    seen: set[tuple[str, str]] = set()
    for federation in federations:
        issuer, subject = federation["issuer"], federation["subject"]
        if not _is_url(issuer):
            raise InvalidInput("Issuer must be a URL (http:// or https://).", field="issuer")
        if not subject:
            raise InvalidInput("Give the subject of each identity: who it is at its issuer.", field="subject")
        if (issuer, subject) in seen:
            raise InvalidInput("The same issuer and subject are given twice: leave one out.", field="subject")
        seen.add((issuer, subject))


def grant_write(robot: Robot, repository: Repository) -> None:
    """Give a mirror's robot the right to write, unless it may write already."""
    permission, created = RepositoryPermission.objects.get_or_create(
        repository=repository, robot=robot, defaults={"role": access.Role.WRITE}
    )
    if not created and permission.role != access.Role.READ:
        return
    if not created:
        permission.role = access.Role.WRITE
        permission.save(update_fields=["role"])
    log_entries.record(
        "change_repo_permission", repository=repository, username=robot.full_name, role=access.Role.WRITE.value
    )


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
