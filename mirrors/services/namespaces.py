"""Organizations, repositories and robots: making them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from mirrors.errors import AlreadyExists, Forbidden, InvalidInput, NotFound
from mirrors.models import Namespace, Repository, RepositoryPermission, Robot, Team, TeamMember, User
from mirrors.services import access


def create_organization(name: str, *, by: User, email: str = "") -> Namespace:
    """Make an organization whose first administrator is its maker."""
    organization = Namespace(name=name, kind=Namespace.Kind.ORGANIZATION, email=email)
    _validate(organization)
    with _refusing_duplicates(f"A user or organization named {name} exists already.", field="name"):
        organization.save()
        owners = Team.objects.create(namespace=organization, name=Team.OWNERS, role=Team.Role.ADMIN)
        TeamMember.objects.create(team=owners, user=by)
    return organization


def find_namespace(name: str, *, administered_by: User | None = None) -> Namespace:
    """The namespace of this name; with `administered_by`, Forbidden unless that user administers it."""
    namespace = Namespace.objects.select_related("target_registry").filter(name=name).first()
    if namespace is None:
        raise NotFound(f"There is no organization or user named {name}.", field="namespace")
    if administered_by is not None and not access.administers_namespace(administered_by, namespace):
        raise Forbidden(f"You need to administer {name} for that.")
    return namespace


def organizations_of(user: User) -> list[Namespace]:
    """The organizations the user belongs to."""
    return list(Namespace.objects.filter(kind=Namespace.Kind.ORGANIZATION, teams__members__user=user).distinct())


def is_member(account: access.Account, namespace: Namespace) -> bool:
    """Whether it is a user who belongs to the organization, in whatever role."""
    return isinstance(account, User) and TeamMember.objects.filter(team__namespace=namespace, user=account).exists()


def create_repository(
    namespace: Namespace,
    name: str,
    *,
    by: User,
    visibility: str = Repository.Visibility.PRIVATE,
    description: str = "",
) -> Repository:
    """Make an empty repository in the NORMAL state; its maker administers it."""
    if not access.may_create_repository(by, namespace):
        raise Forbidden(f"You may not create repositories in {namespace}.")
    repository = Repository(namespace=namespace, name=name, visibility=visibility, description=description)
    _validate(repository, exclude={"namespace"})
    with _refusing_duplicates("Repository already exists", field="repository"):
        repository.save()
        if not access.administers_namespace(by, namespace):
            RepositoryPermission.objects.create(repository=repository, user=by, role=access.Role.ADMIN)
    return repository


def create_robot(namespace: Namespace, name: str, *, description: str = "") -> Robot:
    """Make a robot with a fresh token."""
    robot = Robot(namespace=namespace, name=name, description=description)
    _validate(robot, exclude={"namespace"})
    with _refusing_duplicates(f"Existing robot with name: {robot.full_name}", field="robot"):
        robot.save()
    return robot


def find_robot(full_name: str) -> Robot:
    """The robot of this `namespace+name`; raises NotFound."""
    namespace, _, name = full_name.partition("+")
    robot = Robot.objects.select_related("namespace").filter(namespace__name=namespace, name=name).first()
    if robot is None:
        raise NotFound("Could not find robot with specified username", field="robot")
    return robot


def delete_robot(robot: Robot) -> None:
    """Remove the robot; raises InvalidInput while a mirror writes as it."""
    try:
        robot.delete()
    except models.RestrictedError as error:
        raise InvalidInput("Robot is being used by a mirror", field="robot") from error


def grant_write(robot: Robot, repository: Repository) -> None:
    """Give a mirror's robot the right to write, unless it may write already."""
    permission, created = RepositoryPermission.objects.get_or_create(
        repository=repository, robot=robot, defaults={"role": access.Role.WRITE}
    )
    if not created and permission.role == access.Role.READ:
        permission.role = access.Role.WRITE
        permission.save(update_fields=["role"])


def _validate(instance: models.Model, *, exclude: set[str] | None = None) -> None:
    try:
        instance.clean_fields(exclude=exclude)
        instance.clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(" ".join(messages), field=field) from error


@contextmanager
def _refusing_duplicates(message: str, *, field: str) -> Iterator[None]:
    """A transaction that ends in AlreadyExists where a unique constraint refuses it."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise AlreadyExists(message, field=field) from error
