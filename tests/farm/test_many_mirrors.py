"""Many repositories, few workers: each repository is synced once, and no worker does two at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from types import SimpleNamespace

import pytest

from mirrors.sample.images import image_of_size
from tests.farm.conftest import SlowSource
from tests.fixtures.farms import WORKERS, Farm, record
from tests.fixtures.registries import DockerRegistry
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.farm

MIRRORS = 10


def test_ten_mirrors_due_at_once_are_each_synced_once_and_one_per_worker(
    farm: Farm, docker_registry: DockerRegistry, slow_source: SlowSource
) -> None:
    docker_registry.push("many/app", {"latest": image_of_size(200_000, seed=2)})
    slow_source.link.bytes_per_second = 200_000  # a second each, so that they overlap
    organization = farm.organization()
    mirrors = [organization.mirror(f"{slow_source.link.address}/many/app") for _ in range(MIRRORS)]
    keys = [mirror.key for mirror in mirrors]

    farm.drive("make_due", mirrors=keys)

    def ended() -> list[SimpleNamespace]:
        rows = [record(row) for row in farm.drive("all_syncs", mirrors=keys)]
        return rows if len(rows) >= MIRRORS and all(row.finished_at for row in rows) else []

    syncs = wait_until(ended, 90, lambda: str(farm.drive("all_syncs", mirrors=keys)))
    assert Counter(sync.mirror_id for sync in syncs) == Counter(keys)
    assert {sync.status for sync in syncs} == {"succeeded"}
    assert [sync.fence for sync in syncs] == [1] * MIRRORS  # each was started once
    workers = WORKERS[farm.profile]
    assert most_at_a_time(syncs) == workers
    assert len({sync.worker for sync in syncs}) == workers
    assert_one_at_a_time_per_worker(syncs)


def most_at_a_time(syncs: list[SimpleNamespace]) -> int:
    """How many syncs ran at the same time at most."""
    return max(sum(other.started_at <= sync.started_at < other.finished_at for other in syncs) for sync in syncs)


def assert_one_at_a_time_per_worker(syncs: list[SimpleNamespace]) -> None:
    """Each worker ended one before it started the next."""
    by_worker = defaultdict(list)
    for sync in sorted(syncs, key=lambda sync: sync.started_at):
        by_worker[sync.worker].append(sync)
    for own in by_worker.values():
        assert all(earlier.finished_at <= later.started_at for earlier, later in pairwise(own))
