"""Signing in and out: passwords, sessions, and what the audit log says of them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login, logout
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from mirrors.models import Namespace, User
from mirrors.models.encryption import DecryptionFailed, decrypt, encrypt
from mirrors.services.accounts.sign_in_throttle import Attempt
from mirrors.services.logs import log_entries

LONGEST_PASSWORD = 4096
_ENCRYPTED = "password:"
_FERNET = "gAAAAA"


class PasswordBackend(ModelBackend):
    """Users with their passwords, as they are or encrypted, for every door; raises TooManyAttempts for who guesses."""

    @sensitive_variables("password")
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """The user, or None; nothing tells a wrong name from a wrong password."""
        if not username or not password or not _can_be_credentials(username, password):
            return None
        attempt = Attempt(username, address=log_entries.acting_address())
        attempt.check()
        user = super().authenticate(request, username=username, password=_plain(password))
        if isinstance(user, User):
            attempt.succeeded()
            return user
        attempt.failed()
        _record_failure(username)
        return None


def begin_session(request: HttpRequest, user: User, *, kind: str = "quayauth") -> None:
    """Sign the user in at this browser, under a new session key and a new CSRF token. kind: Quay's word for the way."""
    if request.user.is_authenticated:  # else login does it, and for the same person it would not
        request.session.cycle_key()
    login(request, user)
    log_entries.record("login_success", namespace=_space_of(user), performer=user, type=kind)


def end_session(request: HttpRequest) -> None:
    """Sign out whoever is signed in, if anyone."""
    user = request.user
    logout(request)
    if isinstance(user, User):
        log_entries.record("logout_success", namespace=_space_of(user), performer=user)


def forget_old_sessions() -> int:
    """Delete sessions that have ended by themselves; gives how many."""
    return Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]


@sensitive_variables("password")
def encrypted_password(password: str) -> str:
    """The password in a form that signs in too, for the configuration files of registry clients."""
    return encrypt(_ENCRYPTED + password)


@sensitive_variables("password", "text")
def _plain(password: str) -> str:
    if not password.startswith(_FERNET):
        return password
    try:
        text = decrypt(password)
    except (DecryptionFailed, ValueError):  # a password that begins alike, or keys that are gone
        return password
    return text.removeprefix(_ENCRYPTED) if text.startswith(_ENCRYPTED) else password


def _can_be_credentials(username: str, password: str) -> bool:
    """PostgreSQL takes no NUL, not even to look for it; and hashing a whole megabyte would be work for nothing."""
    return "\0" not in username + password and len(username) <= 255 and len(password) <= LONGEST_PASSWORD


def _record_failure(username: str) -> None:
    """An entry of the account, if it is one: a name that is none may be a password that was typed too early."""
    user = User.objects.filter(username=username).first()
    if user is None:
        log_entries.record("login_failure", type="quayauth", message="There is no such user.")
        return
    message = "Invalid Username or Password" if user.is_active else "The account is switched off."
    log_entries.record(
        "login_failure", namespace=_space_of(user), type="quayauth", username=user.username, message=message
    )


def _space_of(user: User) -> Namespace | None:
    return Namespace.objects.filter(user=user).first()
