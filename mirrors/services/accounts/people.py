"""People: finding the one who acts, and making, changing and removing accounts, administrators' too."""

from __future__ import annotations

import copy
import secrets
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

from mirrors.errors import AlreadyExists, InvalidInput, NotFound
from mirrors.models import Namespace, User
from mirrors.services.logs import log_entries
from mirrors.services.new_rows import refusing_duplicates, validate
from mirrors.services.repositories import removal

ADMINISTRATOR = "admin"


def all_people() -> QuerySet[User]:
    """Every person by name."""
    return User.objects.order_by("username")


def find_person(name: str) -> User:
    """The person of this name, whether they may sign in or not; raises NotFound."""
    user = User.objects.filter(username=name).first()
    if user is None:
        raise NotFound(f"There is no user named {name}.", field="user")
    return user


def find_active_person(name: str) -> User:
    """The person of this name who may sign in; raises NotFound."""
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise NotFound(f"There is no active user named {name}.", field="user")
    return user


def find_administrator() -> User | None:
    """The first superuser who may sign in, if there is one."""
    return User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()


@sensitive_variables("password")
def create_person(username: str, *, email: str = "", password: str | None = None) -> tuple[User, str]:
    """Make an account; gives it and its password, a random one unless it is given, which cannot be shown again."""
    user = User(username=username, email=email)
    taken = f"A user or organization named {username} exists already."
    if Namespace.objects.filter(name=username).exists() or User.objects.filter(username=username).exists():
        raise AlreadyExists(taken, field="username")
    validate(user, exclude={"password"})
    password = password if password is not None else secrets.token_urlsafe(24)
    check_password(password, user)
    user.set_password(password)
    with refusing_duplicates(taken, field="username"):
        try:
            user.save()
        except ValidationError as error:  # an organization was made meanwhile
            raise AlreadyExists(taken, field="username") from error
        record_changes(None, user)
    return user, password


@transaction.atomic
@sensitive_variables("password")
def create_superuser(username: str, *, email: str = "", password: str | None = None) -> tuple[User, str]:
    """The same for somebody who administers the farm, in the admin too."""
    user, password = create_person(username, email=email, password=password)
    user.is_staff = user.is_superuser = True
    user.save(update_fields=["is_staff", "is_superuser"])
    return user, password


def create_administrator() -> tuple[User, str]:
    """Make the superuser `admin`; gives the user and the random password, which cannot be shown again."""
    if User.objects.filter(username=ADMINISTRATOR).exists():
        raise AlreadyExists(
            f"The user {ADMINISTRATOR} exists and is no administrator: make one with manage.py createsuperuser.",
            field="user",
        )
    if Namespace.objects.filter(name=ADMINISTRATOR).exists():
        raise AlreadyExists(
            f"There is an organization named {ADMINISTRATOR}, so no user can have the name: make an administrator of "
            "another name with manage.py createsuperuser.",
            field="user",
        )
    return create_superuser(ADMINISTRATOR, password=secrets.token_urlsafe(12))


@transaction.atomic
@sensitive_variables("password", "values")
def change_person(user: User, values: dict[str, Any]) -> User:
    """Change what is given of `email`, `password`, `is_active`; raises InvalidInput, and for superusers always.

    A changed password ends the sessions of this person; so does switching the account off, with its access tokens.
    """
    check_no_superuser(user, "changed")
    before = copy.copy(user)
    user.email = values.get("email", user.email)
    user.is_active = values.get("is_active", user.is_active)
    validate(user, exclude={"username", "password"})
    if "password" in values:
        check_password(values["password"], user)
        user.set_password(values["password"])
    user.save(update_fields=list(values))  # what somebody else changes at this moment stays
    record_changes(before, user)
    return user


@transaction.atomic
def delete_person(user: User) -> None:
    """Remove the account with its namespace: repositories, content, mirrors and robots; superusers are refused.

    Organizations that nobody else administers stay, and superusers administer them, as in Quay.
    """
    check_no_superuser(user, "deleted")
    log_entries.record("user_delete", username=user.username)
    namespace = Namespace.objects.filter(user=user).first()
    if namespace is not None:
        removal.delete_namespace(namespace)
    user.delete()


def record_changes(before: User | None, after: User) -> None:
    """Write into the audit log what was changed by hand; None before: the account is new. No password is looked at."""
    name = after.username
    if before is None:
        log_entries.record("user_create", username=name, email=after.email)
        return
    if before.email != after.email:
        log_entries.record("user_change_email", username=name, old_email=before.email, email=after.email)
    if before.password != after.password:
        log_entries.record("user_change_password", username=name)
    if before.is_active != after.is_active:
        log_entries.record("user_enable" if after.is_active else "user_disable", username=name)


def check_no_superuser(user: User, what: str) -> None:
    """Raise InvalidInput where the account is a superuser's."""
    if user.is_superuser:
        raise InvalidInput(
            f"{user.username} is a superuser and cannot be {what} this way: do it in the administration pages.",
            field="user",
        )


@sensitive_variables("password")
def check_password(password: str, user: User) -> None:
    """Raise InvalidInput with every reason for which this is no good password of the user's."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), field="password") from error
