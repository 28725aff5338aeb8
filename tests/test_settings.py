"""A wrong setting stops the start with a sentence that names the variable; secrets come from files as well."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from mirrorfarm.embedded import generated_secret
from mirrorfarm.environment import Environment
from tests.fixtures.processes import BARE, ROOT

FARM = {
    "DATABASE_URL": "postgres://mirrorfarm@127.0.0.1:1/none",
    "BROKER_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "x" * 60,
    "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
}


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"N": "soon"}, "N is 'soon': give a whole number, at least 1 and at most 60."),
        ({"N": "0"}, "N is 0: give a whole number, at least 1 and at most 60."),
        ({"N": "61"}, "N is 61: give a whole number, at least 1 and at most 60."),
        ({"N": "1.5"}, "N is '1.5': give a whole number, at least 1 and at most 60."),
    ],
)
def test_a_wrong_number_is_refused_with_its_bounds(variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(sentence)):
        Environment(variables).integer("N", 30, minimum=1, maximum=60)


def test_a_word_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="B is 'perhaps': give true or false"):
        Environment({"B": "perhaps"}).boolean("B", True)


def test_a_word_that_is_no_choice_is_refused_with_the_choices() -> None:
    with pytest.raises(ImproperlyConfigured, match="LEVEL is 'LOUD': give one of DEBUG, INFO"):
        Environment({"LEVEL": "LOUD"}).text("LEVEL", choices=("DEBUG", "INFO"))


@pytest.mark.parametrize("value", ["mysql://user:planted-secret@db/x", "planted-secret", "postgres//planted-secret"])
def test_a_url_of_another_scheme_is_refused_without_repeating_its_password(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is not a URL that starts with postgres://") as refusal:
        Environment({"DATABASE_URL": value}).url("DATABASE_URL", schemes=("postgres",))

    assert "planted-secret" not in str(refusal.value)


@pytest.mark.parametrize("value", ["postgres://[planted-secret", "postgres://user:planted-secret@db:none/x"])
def test_a_url_whose_host_or_port_cannot_be_read_is_refused_without_repeating_it(value: str) -> None:
    with pytest.raises(
        ImproperlyConfigured, match="DATABASE_URL is not a valid URL: check its host and port"
    ) as refusal:
        Environment({"DATABASE_URL": value}).url("DATABASE_URL", schemes=("postgres",))

    assert "planted-secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (lambda env: env.integer("X", 5, minimum=1), " 7 ", 7),
        (lambda env: env.integer("X", 5, minimum=1), "", 5),
        (lambda env: env.boolean("X", False), "Yes", True),
        (lambda env: env.boolean("X", True), "off", False),
        (lambda env: env.words("X", ("a",)), "", ["a"]),
        (lambda env: env.words("X", ("a",)), " b ,, c ", ["b", "c"]),
        (lambda env: env.path("X", Path("/a")), "/b/../c", Path("/c")),
        (lambda env: env.url("X", schemes=("http",)), "http://h", "http://h"),
    ],
)
def test_a_right_value_is_typed(read: Any, text: str, value: object) -> None:
    assert read(Environment({"X": text})) == value


def test_every_kind_of_setting_comes_from_a_file_too(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("  42\n")
    env = Environment({"X_FILE": str(secret)})

    assert (env.text("X"), env.integer("X", 1), env.words("X")) == ("42", 42, ["42"])


def test_a_file_and_a_value_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="X and X_FILE are both set: keep one of them"):
        Environment({"X": "1", "X_FILE": str(tmp_path)}).text("X")


@pytest.mark.parametrize(
    ("name", "reason"), [("missing", "No such file"), ("", "Is a directory"), ("binary", "not text")]
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xff")

    with pytest.raises(
        ImproperlyConfigured, match=rf"X_FILE names .*{re.escape(name)}, which cannot be read: .*{reason}"
    ):
        Environment({"X_FILE": str(tmp_path / name)}).text("X")


def test_a_generated_secret_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    first = generated_secret(tmp_path, "encryption_key")

    assert generated_secret(tmp_path, "encryption_key") == first
    assert generated_secret(tmp_path, "secret_key") != first
    Fernet(first)
    files = list((tmp_path / "keys").iterdir())
    assert sorted(file.name for file in files) == ["encryption_key", "secret_key"]
    assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"BROKER_URL": ""}, "BROKER_URL is not set while DATABASE_URL is"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"REPO_MIRROR_INTERVAL": "0"}, "REPO_MIRROR_INTERVAL is 0: give a whole number, at least 1"),
        ({"EGRESS_BLOCKED_NETWORKS": "10.0.0.0/99"}, "EGRESS_BLOCKED_NETWORKS holds '10.0.0.0/99'"),
        ({"EGRESS_POLICY": "open"}, "EGRESS_POLICY is 'open': give one of strict, private-allowed"),
    ],
)
def test_the_start_ends_in_one_sentence_without_a_traceback(changes: dict[str, str], sentence: str) -> None:
    done = check(FARM | changes)

    assert done.returncode == 4
    assert done.stderr.startswith("Mirrorfarm cannot start: ")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_farm_profile_starts_with_its_secrets_from_files(tmp_path: Path) -> None:
    files = {}
    for name, value in FARM.items():
        (tmp_path / name).write_text(f"{value}\n")
        files[f"{name}_FILE"] = str(tmp_path / name)

    done = check(files)

    assert done.returncode == 0, done.stderr


def test_the_embedded_profile_starts_with_nothing_set_but_where_it_may_write(tmp_path: Path) -> None:
    done = check({"DATA_DIR": str(tmp_path)})

    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == ["keys"]


@pytest.mark.parametrize(
    ("changes", "identifier", "words"),
    [
        ({"ENCRYPTION_KEYS": []}, "mirrorfarm.E001", "ENCRYPTION_KEYS is empty"),
        (
            {"ENCRYPTION_KEYS": [FARM["ENCRYPTION_KEYS"], "planted-secret"]},
            "mirrorfarm.E002",
            "Key 2 of ENCRYPTION_KEYS",
        ),
        ({"LEASE_SECONDS": 29, "LEASE_RENEWAL_SECONDS": 10}, "mirrorfarm.E003", "LEASE_SECONDS is 29"),
        (
            {"SSRF_ALLOWED_HOSTS": ["127.0.0.1", "*.corp"]},
            "mirrorfarm.E004",
            "In SSRF_ALLOWED_HOSTS, '*.corp' is no exact",
        ),
        ({"EMBEDDED": False, "DEBUG": True}, "mirrorfarm.W001", "DEBUG is on"),
        ({"EMBEDDED": False, "ALLOWED_HOSTS": ["*"]}, "mirrorfarm.W002", "ALLOWED_HOSTS"),
    ],
)
def test_a_check_finds_what_would_break_later(
    settings: Settings, changes: dict[str, Any], identifier: str, words: str
) -> None:
    assert identifier not in found_by_checks()

    for name, value in changes.items():
        setattr(settings, name, value)

    assert words in found_by_checks()[identifier]
    assert "planted-secret" not in found_by_checks()[identifier]


def test_a_lease_of_three_renewals_is_long_enough(settings: Settings) -> None:
    settings.LEASE_SECONDS, settings.LEASE_RENEWAL_SECONDS = 30, 10

    assert "mirrorfarm.E003" not in found_by_checks()


def test_every_setting_has_a_comment_where_it_stands() -> None:
    blocks = (ROOT / "mirrorfarm" / "settings.py").read_text().split("\n\n")
    read = {name: block for block in blocks for name in re.findall(r'env\.\w+\(\s*"(\w+)"', block)}

    assert {"DATA_DIR", "TAG_CONCURRENCY", "OIDC_TIMEOUT", "STATIC_ROOT", "ALLOWED_HOSTS"} <= read.keys()
    assert [name for name, block in read.items() if not re.search(rf"^# .+\n(?:.+\n)*?{name} = ", block, re.M)] == []


def found_by_checks() -> dict[str, str]:
    """Id and text of everything that Django's system checks find of ours."""
    return {str(message.id): str(message.msg) for message in run_checks() if str(message.id).startswith("mirrorfarm.")}


def check(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`manage.py check` with exactly these variables."""
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT, env=BARE | variables, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
