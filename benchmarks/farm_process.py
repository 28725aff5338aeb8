"""What Django, the database and the heartbeat cost around the engine: `python -m benchmarks.farm_process JOB.json`.

Runs `sync_runs.run_sync` in this process, as a Celery worker does, over SQLite in a scratch directory; then the engine
alone with the same options on the same repository. All tags are unchanged. Prints FarmResults as JSON.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.farm_result import FarmResult

_WARM_UP = 1


class QueryCounter:
    """Counts every statement of every connection; those of the heartbeat, whose thread has one of its own, apart."""

    def __init__(self) -> None:
        from django.db.backends.signals import connection_created

        self.count = self.by_heartbeat = 0
        connection_created.connect(self._attach)

    def _attach(self, connection: Any, **_: object) -> None:
        if self not in connection.execute_wrappers:
            connection.execute_wrappers.append(self)

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            self.count += 1
        else:
            self.by_heartbeat += 1
        return execute(sql, params, many, context)


class OptionsListener:
    """Hears with which options the farm calls the engine, so that the engine alone is given the same work."""

    def __init__(self) -> None:
        from mirrors import oci

        self.options = oci.CopyOptions()
        self._copy_tags = oci.copy_tags
        oci.copy_tags = self

    async def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.options = named["options"]
        return await self._copy_tags(*arguments, **named)


def main(path: str) -> None:
    """Measure each repository of the job."""
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    os.environ.update(
        DATA_DIR=job["directory"],
        DJANGO_SETTINGS_MODULE="mirrorfarm.settings",
        LOG_LEVEL="ERROR",
        SSRF_ALLOWED_HOSTS="127.0.0.0/8",
    )
    import django

    django.setup()
    from django.core.management import call_command

    counter, listener = QueryCounter(), OptionsListener()
    call_command("migrate", verbosity=0)
    results = [
        _measure(job, repository, tags=tags, counter=counter, listener=listener)
        for repository, tags in job["repositories"].items()
    ]
    print(json.dumps([asdict(result) for result in results]))


def _measure(
    job: dict[str, Any], repository: str, *, tags: int, counter: QueryCounter, listener: OptionsListener
) -> FarmResult:
    from mirrors.services.syncs import sync_runs

    mirror = _mirror(job, repository)
    syncs, engines, queries, beats = [], [], [], []
    for _ in range(job["rounds"] + _WARM_UP):
        sync = _queued_sync(mirror)
        before = counter.count, counter.by_heartbeat
        syncs.append(_cpu(partial(sync_runs.run_sync, sync.pk)))
        queries.append(counter.count - before[0])
        beats.append(counter.by_heartbeat - before[1])
        sync.refresh_from_db()
        if sync.status != "succeeded":
            sys.exit(f"The sync of {repository} ended as {sync.status}: {sync.message}")
        engines.append(_cpu(partial(_copy, job, repository, options=listener.options)))
    return FarmResult(
        tags=tags,
        rounds=job["rounds"],
        sync_cpu=statistics.median(syncs[_WARM_UP:]),
        engine_cpu=statistics.median(engines[_WARM_UP:]),
        queries=int(statistics.median(queries[_WARM_UP:])),
        heartbeat_queries=int(statistics.median(beats[_WARM_UP:])),
    )


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _mirror(job: dict[str, Any], name: str) -> Any:
    from django.utils import timezone

    from mirrors.models import Mirror, Namespace, Registry, Repository, Robot

    namespace_name, _, repository_name = name.partition("/")
    registry, _ = Registry.objects.get_or_create(
        address=job["target"], defaults={"name": "target", "verify_tls": False}
    )
    namespace, _ = Namespace.objects.get_or_create(
        name=namespace_name, defaults={"kind": Namespace.Kind.ORGANIZATION, "target_registry": registry}
    )
    repository = Repository.objects.create(namespace=namespace, name=repository_name, state=Repository.State.MIRROR)
    robot, _ = Robot.objects.get_or_create(namespace=namespace, name="mirror")
    return Mirror.objects.create(
        repository=repository,
        source_reference=f"{job['source']}/{name}",
        verify_tls=False,
        tag_patterns=["*"],
        robot=robot,
        next_sync_at=timezone.now(),
    )


def _queued_sync(mirror: Any) -> Any:
    from mirrors.models import Sync

    return Sync.objects.create(mirror=mirror, trigger="schedule")


def _copy(job: dict[str, Any], repository: str, *, options: Any) -> None:
    """What run_sync has the engine do, without the farm."""
    from mirrors.oci import Endpoint, RegistryClient, RemoteRepository, Side, copy_tags, run

    async def copy() -> None:
        async with (
            RegistryClient(Endpoint(job["source"], verify_tls=False), side=Side.SOURCE) as source,
            RegistryClient(Endpoint(job["target"], verify_tls=False), side=Side.TARGET) as target,
        ):
            there, here = RemoteRepository(source, repository), RemoteRepository(target, repository)
            await copy_tags(there, here, await there.list_tags(), options=options)
            await here.list_tags()

    run(copy())


if __name__ == "__main__":
    main(sys.argv[1])
