"""access_token, rotate_keys, collect_garbage."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from mirrors.models import AccessToken, Mirror, User
from mirrors.services.accounts import access_tokens
from tests.management.conftest import Ran


def test_a_token_is_printed_alone_and_works(run: Callable[..., Ran], administrator: User) -> None:
    ran = run("access_token", "admin", "--name", "ci", "--scopes", "repo:admin org:admin", "--expires", "30d")

    token = access_tokens.find_token(ran.said.strip())
    assert ran.status == 0
    assert token is not None
    assert (token.name, token.user, token.scope_set) == ("ci", administrator, {"repo:admin", "org:admin"})
    assert abs(token.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    assert ran.said.strip() not in ran.refused


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nobody", "--scopes", "repo:read"], "There is no active user named nobody."),
        (["admin", "--scopes", "repo:all"], "Scopes are repo:read, "),
        (["admin", "--scopes", "repo:read", "--expires", "soon"], "Give an interval such as"),
    ],
)
def test_a_wrong_argument_ends_in_a_sentence(
    run: Callable[..., Ran], administrator: User, arguments: list[str], sentence: str
) -> None:
    ran = run("access_token", *arguments, "--name", "ci")
    assert ran.status == 2
    assert ran.refused.startswith(sentence)
    assert not AccessToken.objects.exists()


def test_rotating_keys_makes_the_old_one_needless(
    run: Callable[..., Ran], make_mirror: Callable[..., Mirror], settings: Any
) -> None:
    mirror = make_mirror(source_username="ada", source_password="secret")
    new, old = Fernet.generate_key().decode(), settings.ENCRYPTION_KEYS[0]

    settings.ENCRYPTION_KEYS = [new, old]
    ran = run("rotate_keys")
    settings.ENCRYPTION_KEYS = [new]

    assert ran.said.startswith("3 secrets are encrypted")  # user name, password, the robot's token
    assert Mirror.objects.get(pk=mirror.pk).source_password == "secret"


def test_a_secret_that_no_key_decrypts_stops_the_rotation_with_a_sentence(
    run: Callable[..., Ran], make_mirror: Callable[..., Mirror], settings: Any
) -> None:
    make_mirror(source_username="ada")
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    ran = run("rotate_keys")
    assert ran.status == 2
    assert "cannot be decrypted with any of the ENCRYPTION_KEYS" in ran.refused


def test_collecting_garbage_says_how_much_it_freed(run: Callable[..., Ran], store_dir: Path) -> None:
    ran = run("collect_garbage")
    assert (ran.status, ran.said) == (0, "Freed 0 B in 0 blobs.\n")
