"""A mirror whose source is its own target: pruning it would delete at the source."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from mirrors.models import Mirror, Registry, Sync
from mirrors.models.sync import Status
from mirrors.sample.images import small_image
from mirrors.services.syncs import connections, sync_runs
from tests.registry import FaultyRegistry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def registry() -> Iterator[FaultyRegistry]:
    """A registry with two tags of acme/app."""
    with FaultyRegistry() as registry:
        for number in (1, 2):
            registry.repository("acme/app").put(small_image(number), tag=f"v{number}")
        yield registry


def run(mirror: Mirror, *, source: str) -> Sync:
    """Run a sync of v1 alone."""
    Mirror.objects.update(source_reference=source, verify_tls=False, tag_patterns=["v1"])
    sync = Sync.objects.create(mirror=mirror)
    sync_runs.run_sync(sync.pk)
    return Sync.objects.get(pk=sync.pk)


def test_nothing_is_deleted_where_a_remote_repository_mirrors_itself(
    mirror: Mirror, registry: FaultyRegistry, rung: list[int]
) -> None:
    namespace = mirror.repository.namespace
    namespace.target_registry = Registry.objects.create(name="own", address=registry.address, verify_tls=False)
    namespace.save()

    sync = run(mirror, source=f"{registry.address}/acme/app")

    assert set(registry.repository("acme/app").tags) == {"v1", "v2"}
    assert (sync.status, sync.error_code, sync.error_side) == (Status.FAILED, "unsupported", "source")
    assert sync.message == "acme/app cannot be mirrored from itself: give another source, or another target registry."
    assert Sync.objects.count() == 1  # no retry


def test_a_repository_of_the_built_in_store_is_not_mirrored_from_itself(
    mirror: Mirror, settings: Settings, rung: list[int]
) -> None:
    settings.PUBLIC_URL = "https://farm.example.com"

    sync = run(mirror, source="farm.example.com/acme/app")

    assert (sync.status, sync.error_code) == (Status.FAILED, "unsupported")


@pytest.mark.parametrize("host", ["farm.example.com:443", "FARM.example.com"])
def test_a_place_is_the_same_with_the_port_that_is_meant_anyway(mirror: Mirror, settings: Settings, host: str) -> None:
    settings.PUBLIC_URL = "https://farm.example.com"
    Mirror.objects.update(source_reference=f"{host}/acme/app")
    source = connections.source_of(Mirror.objects.get())
    assert source.is_same_place(connections.target_of(mirror.repository))
