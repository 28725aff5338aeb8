"""People: finding the one who acts, and making the first administrator."""

from __future__ import annotations

import secrets

from mirrors.errors import AlreadyExists, NotFound
from mirrors.models import Namespace, User

ADMINISTRATOR = "admin"


def find_administrator() -> User | None:
    """The first superuser who may sign in, if there is one."""
    return User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()


def find_user(username: str) -> User:
    """The active user of this name; raises NotFound."""
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise NotFound(f"There is no active user named {username}.", field="user")
    return user


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
    password = secrets.token_urlsafe(12)
    return User.objects.create_superuser(ADMINISTRATOR, password=password), password
