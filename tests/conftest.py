"""What every test may use; the fixtures themselves are in tests/fixtures/, one file per subject."""

from __future__ import annotations

pytest_plugins = [
    "tests.fixtures.domain",
    "tests.fixtures.databases",
    "tests.fixtures.registries",
    "tests.fixtures.links",
    "tests.fixtures.farms",
]


def pytest_report_header() -> str:
    """On which database the tests that need one run; see tests/settings.py."""
    from django.db import connection

    return f"database: {connection.vendor}"
