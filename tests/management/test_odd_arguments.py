"""Arguments that no one means end in a sentence as well."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mirrors.models import AccessToken, User
from tests.fixtures.processes import BARE, ROOT
from tests.management.conftest import Ran

TOKEN = ("access_token", "admin", "--scopes", "repo:read")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--name", "ci", "--expires", "999999999999w"], "--expires: no calendar goes that far."),
        (["--name", "ci", "--expires", "999999999999s"], "--expires: no calendar goes that far."),
        (["--name", "ci", "--expires", "0"], "--expires: the token would have expired already"),
        (["--name", ""], "Give a name of 1 to 100 characters"),
        (["--name", "n" * 101], "Give a name of 1 to 100 characters"),
    ],
)
def test_a_token_that_would_be_useless_is_not_made(
    run: Callable[..., Ran], administrator: User, arguments: list[str], sentence: str
) -> None:
    ran = run(*TOKEN, *arguments)

    assert ran.status == 2
    assert sentence in ran.refused
    assert not AccessToken.objects.exists()


def test_bytes_that_are_no_text_and_a_full_disk_end_in_a_sentence(tmp_path: Path) -> None:
    def mirror(*arguments: bytes, output: int | None = None) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "manage.py", "mirror", *arguments]
        variables = BARE | {"DATA_DIR": str(tmp_path)}
        return subprocess.run(
            command, cwd=ROOT, env=variables, stdout=output, stderr=subprocess.PIPE, timeout=60, check=False
        )

    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=BARE | {"DATA_DIR": str(tmp_path)})

    bytes_refused = mirror(b"list", b"a\xff")
    full = os.open("/dev/full", os.O_WRONLY)
    disk_refused = mirror(b"list", output=full)
    os.close(full)

    assert bytes_refused.returncode == 2
    assert disk_refused.returncode != 0  # 120 where Python's own last flush fails too
    assert bytes_refused.stderr.startswith(b"An argument holds bytes that are not UTF-8 text")
    assert disk_refused.stderr.startswith(b"the output cannot be used: No space left on device.")
