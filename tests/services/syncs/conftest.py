"""What syncs read from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mirrors.oci.remote.limits.pauses import PROCESS_PAUSES
from mirrors.sample.images import small_image
from tests.registry import FaultyRegistry


@pytest.fixture
def source() -> Iterator[FaultyRegistry]:
    """A registry with two tags."""
    with FaultyRegistry() as registry:
        for number in (1, 2):
            registry.repository("team/app").put(small_image(number), tag=f"v{number}")
        yield registry
        PROCESS_PAUSES.lift(registry.address)  # the next one may get its port
