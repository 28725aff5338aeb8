"""What the syncs of one process leave to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from mirrors.models import Mirror, Sync
from mirrors.models.sync import Status
from mirrors.oci import Code
from mirrors.sample.images import small_image
from mirrors.services.syncs import sync_runs
from tests.registry import FaultyRegistry
from tests.registry.switches import Login

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def source(store_dir: Path, rung: list[int]) -> Iterator[FaultyRegistry]:
    """A registry that wants a login, and gives everybody's tokens out for one hour."""
    with FaultyRegistry() as registry:
        registry.repository("team/app").put(small_image(1), tag="v1")
        registry.switches.login = Login(expires_in=3600)
        yield registry


@pytest.fixture
def make(source: FaultyRegistry, make_mirror: Callable[..., Mirror]) -> Callable[..., Mirror]:
    """A mirror of that registry, with the right password."""
    columns = {"source_reference": f"{source.address}/team/app", "verify_tls": False, "source_username": "user"}
    return lambda name: make_mirror(name, **columns, source_password="password")


def run(mirror: Mirror) -> Sync:
    """Run a sync of the mirror to its end."""
    sync = Sync.objects.create(mirror=mirror)
    sync_runs.run_sync(sync.pk)
    return Sync.objects.get(pk=sync.pk)


def test_the_sync_of_another_mirror_of_the_same_account_goes_on_with_connection_and_token(
    source: FaultyRegistry, make: Callable[..., Mirror]
) -> None:
    for name in ("one", "two"):
        assert run(make(name)).status == Status.SUCCEEDED

    assert source.count("GET", "^/token$") == 1
    assert len({request.peer for request in source.seen("GET", "/tags/list")}) == 1


def test_a_password_that_was_changed_is_used_at_once(source: FaultyRegistry, make: Callable[..., Mirror]) -> None:
    mirror = make("one")
    assert run(mirror).status == Status.SUCCEEDED
    mirror.source_password = "wrong"
    mirror.save()

    assert run(mirror).error_code == Code.AUTH_FAILED
    mirror.source_password = "password"
    mirror.save()
    assert run(mirror).status == Status.SUCCEEDED


def test_an_address_that_is_forbidden_meanwhile_is_not_reached_by_what_is_open(
    source: FaultyRegistry, make: Callable[..., Mirror], settings: Settings
) -> None:
    mirror = make("one")
    assert run(mirror).status == Status.SUCCEEDED
    served = len(source.requests)
    settings.EGRESS_POLICY, settings.SSRF_ALLOWED_HOSTS, settings.EMBEDDED = "strict", [], False

    assert run(mirror).error_code == Code.BLOCKED_SOURCE
    assert len(source.requests) == served
