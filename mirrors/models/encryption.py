"""Secrets at rest: a text column holds a Fernet token, a property beside it gives the plain text.

A row that cannot be decrypted still loads, lists and deletes; only asking for the secret raises `DecryptionFailed`.
"""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class DecryptionFailed(Exception):
    """None of the ENCRYPTION_KEYS decrypts the value: the keys were changed, or the database is another farm's."""


class CiphertextField(models.TextField):  # type: ignore[type-arg]  # generic in the stubs only
    """A column that holds Fernet tokens, or NULL. `manage.py rotate_keys` finds its work by this class."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"null": True, "blank": True, "editable": False, "default": None} | options)


def keyring() -> MultiFernet:
    """The configured keys: the first encrypts, all decrypt. Raises DecryptionFailed where there is none."""
    if not settings.ENCRYPTION_KEYS:
        raise DecryptionFailed("ENCRYPTION_KEYS is not set.")
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


def encrypt(text: str) -> str:
    """The text as a Fernet token."""
    return keyring().encrypt(text.encode()).decode("ascii")


def decrypt(token: str) -> str:
    """The text behind a Fernet token; raises DecryptionFailed."""
    try:
        return keyring().decrypt(token.encode("ascii")).decode()
    except InvalidToken:
        raise DecryptionFailed("The stored secret cannot be decrypted with any of the ENCRYPTION_KEYS.") from None


def plain_text_of(column: str) -> property:
    """A property that reads and writes the secret kept in a CiphertextField; None is NULL."""

    def read(instance: models.Model) -> str | None:
        token = getattr(instance, column)
        return None if token is None else decrypt(token)

    def write(instance: models.Model, text: str | None) -> None:
        setattr(instance, column, None if text is None else encrypt(text))

    return property(read, write)
