"""What every test may use; the fixtures themselves are in tests/fixtures/, one file per subject."""

from __future__ import annotations

pytest_plugins = [
    "tests.fixtures.domain",
    "tests.fixtures.databases",
    "tests.fixtures.registries",
    "tests.fixtures.links",
    "tests.fixtures.farms",
]
