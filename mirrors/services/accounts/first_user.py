"""The first user of an empty farm, made by whoever asks first: Quay's way to set up without a shell."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection, transaction
from django.views.decorators.debug import sensitive_variables

from mirrors.errors import InvalidInput
from mirrors.models import User
from mirrors.services.accounts import access_tokens, people
from mirrors.services.accounts.sign_in import encrypted_password

TOKEN_SECONDS = 9000
"""As long as Quay's token of the first user."""


@dataclass(frozen=True)
class FirstUser:
    """Whom, and what is shown once; `token` is empty where none was asked for."""

    user: User
    encrypted_password: str = field(repr=False)
    token: str = field(repr=False)


def check_wanted() -> None:
    """Raise InvalidInput where the farm's settings or its users forbid it."""
    if not settings.FEATURE_USER_INITIALIZE:
        raise InvalidInput(
            "Cannot initialize user, FEATURE_USER_INITIALIZE is False: set it to true, or make the first user with "
            "manage.py createsuperuser."
        )
    if User.objects.exists():
        raise InvalidInput("Cannot initialize user in a non-empty database")


@transaction.atomic
@sensitive_variables("password")
def create_first_user(username: str, *, password: str, email: str, with_token: bool) -> FirstUser:
    """Make the administrator, once: of several that ask at the same time the others are refused."""
    _keep_others_waiting()
    check_wanted()
    try:
        user, _ = people.create_superuser(username, email=email, password=password)
    except InvalidInput as error:
        raise InvalidInput(f"Failed to initialize user: {error.message}", field=error.field) from error
    return FirstUser(user, encrypted_password(password), _new_token(user) if with_token else "")


def _new_token(user: User) -> str:
    _, text = access_tokens.issue_token(
        user,
        name="made with the first user",
        scopes=list(access_tokens.SCOPES),
        expires_at=access_tokens.end_in(TOKEN_SECONDS),
    )
    return text


def _keep_others_waiting() -> None:
    """Until the end of the transaction nobody else makes a user. SQLite has one writer at a time anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {connection.ops.quote_name(User._meta.db_table)} IN SHARE ROW EXCLUSIVE MODE")
