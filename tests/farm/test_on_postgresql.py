"""The tests of models and services run on SQLite as part of every run; this one runs them again on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.fixtures.databases import PostgresServer
from tests.fixtures.processes import BARE, ROOT

pytestmark = [pytest.mark.farm, pytest.mark.slow, pytest.mark.timeout(500)]  # a whole run of pytest


@pytest.mark.skipif("TEST_DATABASE_URL" in os.environ, reason="everything runs on PostgreSQL already")
def test_models_and_services_keep_their_promises_on_postgresql_too(postgres: PostgresServer) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/models", "tests/services"]
    environment = BARE | {"TEST_DATABASE_URL": postgres.url("models-and-services")}

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=450, check=False)

    assert done.returncode == 0, done.stdout[-8000:]
