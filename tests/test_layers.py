"""The architecture holds: each line imports only lines below it, and the engine runs where there is no Django."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.fixtures.processes import BARE, ROOT

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"django", "rest_framework", "celery", "kombu", "redis", "psycopg2"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
import importlib, pkgutil, mirrors.oci
for module in pkgutil.walk_packages(mirrors.oci.__path__, "mirrors.oci."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print("imported", mirrors.oci.Reference.parse_location("quay.io/team/app").repository)
"""


def test_every_line_imports_only_lines_below_it() -> None:
    lint = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]

    done = run(*lint)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Contracts: 2 kept, 0 broken" in done.stdout


def test_the_engine_imports_where_django_and_celery_are_not_installed() -> None:
    done = run(sys.executable, "-c", BLOCKED)

    assert done.stdout.strip() == "imported team/app", done.stderr


def test_no_migration_is_missing(tmp_path: Path) -> None:
    done = run(sys.executable, "manage.py", "makemigrations", "--check", "--dry-run", DATA_DIR=str(tmp_path))

    assert done.returncode == 0, done.stdout


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the project's directory."""
    return subprocess.run(
        command, cwd=ROOT, env=BARE | environment, capture_output=True, text=True, timeout=120, check=False
    )
