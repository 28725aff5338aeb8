"""Each process of a farm that cannot work ends at its start with a sentence, and nobody starts it again for ever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.processes import BARE, ROOT
from tests.test_settings import FARM

PROCESSES = {
    "web": ["gunicorn", "mirrorfarm.wsgi", "--bind", "127.0.0.1:0", "--no-control-socket"],
    "beat": ["celery", "--app", "mirrorfarm", "beat"],
    "worker": ["celery", "--app", "mirrorfarm", "worker", "--pool", "solo"],
}


@pytest.mark.parametrize("name", PROCESSES)
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"REPO_MIRROR_INTERVAL": "x"}, "REPO_MIRROR_INTERVAL is 'x': give a whole number"),
        ({"ENCRYPTION_KEYS": ""}, "ENCRYPTION_KEYS is empty: credentials cannot be stored. (mirrorfarm.E001)"),
        ({"LEASE_SECONDS": "20"}, "the lease must be at least three renewals long. (mirrorfarm.E003)"),
    ],
)
def test_a_process_says_what_is_wrong_with_its_settings(
    tmp_path: Path, name: str, changes: dict[str, str], sentence: str
) -> None:
    schedule = ["--schedule", str(tmp_path / "schedule")] if name == "beat" else []

    done = run(*PROCESSES[name], *schedule, variables=FARM | changes)

    assert done.returncode == 4
    assert "Mirrorfarm cannot start: " in done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["", "below"])
def test_a_data_directory_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / name

    done = run("manage", "mirror", "list", variables={"DATA_DIR": str(place)})

    assert done.returncode != 0
    assert done.stderr.startswith(f"Mirrorfarm cannot start: DATA_DIR is {place}")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff\xfe", b"redis://:x@127.0.0.1:99999/0"])
def test_a_broken_note_of_where_the_broker_was_stops_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "broker-url").write_bytes(content)

    done = run("manage", "check", variables={"DATA_DIR": str(tmp_path)})

    assert done.returncode == 0, done.stderr


def test_a_database_file_that_is_none_ends_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mirrorfarm.sqlite3").write_bytes(b"no database" * 1000)

    done = run("manage", "mirror", "list", variables={"DATA_DIR": str(tmp_path)})

    assert done.returncode == 2
    assert done.stderr.startswith("The database cannot be used: file is not a database.")


def run(*command: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a module with exactly these variables, to its end."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT, env=BARE | variables, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
