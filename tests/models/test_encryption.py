"""Secrets at rest are encrypted; keys can be rotated; what cannot be decrypted still loads."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from pytest_django import Settings

from mirrors.models import Mirror, Robot
from mirrors.models.encryption import DecryptionFailed, decrypt, encrypt
from mirrors.services.syncs import upkeep

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(settings: Settings) -> list[str]:
    """Two keys, of which the first is in use."""
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    settings.ENCRYPTION_KEYS = keys[:1]
    return keys


@pytest.fixture
def secretive(keys: list[str], mirror: Mirror) -> Mirror:
    """A mirror with a password, encrypted with the first key."""
    mirror.source_username, mirror.source_password = "reader", "planted-secret"
    mirror.save()
    # The robot was made before the keys were chosen.
    mirror.robot.regenerate_token()
    mirror.robot.save()
    return mirror


def test_a_secret_comes_back_from_the_database_and_is_not_in_it(secretive: Mirror) -> None:
    assert Mirror.objects.get().source_password == "planted-secret"

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM mirrors_mirror")
        assert "planted-secret" not in repr(cursor.fetchall())
        cursor.execute("SELECT * FROM mirrors_robot")
        assert secretive.robot.token not in repr(cursor.fetchall())


def test_none_stays_null_and_an_empty_secret_stays_empty(mirror: Mirror) -> None:
    mirror.source_password, mirror.source_username = "", None
    mirror.save()

    loaded = Mirror.objects.get()
    assert (loaded.source_password, loaded.source_username) == ("", None)
    assert loaded.source_username_ciphertext is None


def test_the_same_secret_is_never_encrypted_to_the_same_text(keys: list[str]) -> None:
    assert encrypt("planted-secret") != encrypt("planted-secret")


def test_after_rotation_the_old_key_can_be_dropped(keys: list[str], secretive: Mirror, settings: Settings) -> None:
    old, new = keys
    token = secretive.robot.token
    settings.ENCRYPTION_KEYS = [new, old]
    assert Mirror.objects.get().source_password == "planted-secret"

    assert upkeep.reencrypt() == 3  # user name, password, robot token

    settings.ENCRYPTION_KEYS = [new]
    assert Mirror.objects.get().source_password == "planted-secret"
    assert Robot.objects.get().token == token


def test_one_secret_that_no_key_decrypts_stops_the_rotation_and_none_is_changed(
    keys: list[str], secretive: Mirror, settings: Settings
) -> None:
    before = secretive.source_password_ciphertext
    Robot.objects.update(token_ciphertext=Fernet(Fernet.generate_key()).encrypt(b"x").decode())
    settings.ENCRYPTION_KEYS = [keys[1], keys[0]]

    with pytest.raises(DecryptionFailed, match="cannot be decrypted with any of the ENCRYPTION_KEYS"):
        upkeep.reencrypt()

    assert Mirror.objects.get().source_password_ciphertext == before


def test_a_row_that_cannot_be_decrypted_loads_lists_and_deletes(
    keys: list[str], secretive: Mirror, settings: Settings
) -> None:
    settings.ENCRYPTION_KEYS = [keys[1]]

    loaded = Mirror.objects.get()
    assert str(loaded) == "acme/app from registry.example.com/team/app"
    with pytest.raises(DecryptionFailed):
        _ = loaded.source_password
    loaded.source_password = "another-secret"
    loaded.save()
    assert Mirror.objects.get().source_password == "another-secret"
    loaded.delete()


def test_without_a_key_the_reader_is_told_which_setting_is_missing(keys: list[str], settings: Settings) -> None:
    token = encrypt("x")
    settings.ENCRYPTION_KEYS = []

    with pytest.raises(DecryptionFailed, match="ENCRYPTION_KEYS is not set"):
        decrypt(token)
