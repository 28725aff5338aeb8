"""What most documents need."""

from __future__ import annotations

import pytest

from mirrors.models import Repository, Robot


@pytest.fixture
def ready(repository: Repository, robot: Robot, rung: list[int]) -> None:
    """A repository and a robot."""
