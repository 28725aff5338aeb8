"""What most tests of quirks begin with: content at the source, a copy of it, and no pauses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from mirrors.oci import CopyOptions, RemoteRepository, TagOutcome, copy_tags
from tests.registry import FaultyRegistry, StoredTags

Mirror = Callable[..., Awaitable[TagOutcome]]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off takes no time here."""
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)


@pytest.fixture
def app(source_registry: FaultyRegistry) -> StoredTags:
    """What the source holds in library/app."""
    return source_registry.repository("library/app")


@pytest.fixture
def mirror(source: RemoteRepository, target: RemoteRepository) -> Mirror:
    """`await mirror("v1")`: the outcome of copying that tag from library/app to mirror/app."""

    async def copy(tag: str = "v1", **options: object) -> TagOutcome:
        (outcome,) = await copy_tags(source, target, [tag], options=CopyOptions(**options))  # type: ignore[arg-type]
        return outcome

    return copy
