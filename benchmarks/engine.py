"""The engine without its command line, as a worker that runs for days has it: `python -m benchmarks.engine JOB.json`.

All repositories in one process, two at a time, each with the four repositories that were done last to mount layers from
(what the farm does within a namespace), and all with the clients of one pool, as the syncs of one worker have them.
Prints what it cost without the start of the interpreter, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mirrors.oci import (
    Action,
    BlobPlaces,
    ClientPool,
    CopyOptions,
    Endpoint,
    RegistryClient,
    RemoteRepository,
    Side,
    copy_tags,
    run,
)
from mirrors.oci.state import read_state, write_state

REPOSITORIES_AT_ONCE = 2
SIBLINGS = 4


@dataclass
class Fleet:
    """Copies the repositories of a job; `copied` are those that are done, for the others to mount from."""

    job: dict[str, Any]
    copied: list[str] = field(default_factory=list)
    places: BlobPlaces = field(default_factory=BlobPlaces)
    clients: ClientPool = field(default_factory=lambda: ClientPool(asyncio.get_running_loop))

    async def copy(self) -> None:
        """All of them."""
        slots = asyncio.Semaphore(REPOSITORIES_AT_ONCE)

        async def copy_one(repository: str) -> None:
            async with slots:
                await self._copy_repository(repository)

        async with asyncio.TaskGroup() as group:
            for repository in self.job["repositories"]:
                group.create_task(copy_one(repository))
        await self.clients.close()

    async def _copy_repository(self, repository: str) -> None:
        state = Path(self.job["state"], repository.replace("/", "-")) if self.job["state"] else None
        known = read_state(state) if state else {}
        options = CopyOptions(mount_from=self.copied[-SIBLINGS:], places=self.places, known=known)
        async with AsyncExitStack() as stack:
            source, target = [
                RemoteRepository(await stack.enter_async_context(self._lent(side)), repository) for side in Side
            ]
            tags = await source.list_tags()
            outcomes = await copy_tags(source, target, tags, options=replace(options, source_tags=tags))
        failed = [outcome for outcome in outcomes if outcome.action is Action.FAILED]
        if failed:
            sys.exit(f"{repository}: {len(failed)} tags failed, {failed[0].tag}: {failed[0].reason}")
        if state:
            write_state(state, outcomes, known=known)
        self.copied.append(repository)

    def _lent(self, side: Side) -> AbstractAsyncContextManager[RegistryClient]:
        endpoint = Endpoint(self.job[side.value], verify_tls=self.job["verify_tls"])
        return self.clients.lent((endpoint, side), lambda: RegistryClient(endpoint, side=side))


def main(path: str) -> None:
    """Copy what the job says."""
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    wall, cpu = time.monotonic(), time.process_time()
    run(Fleet(job).copy())
    print(json.dumps({"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main(sys.argv[1])
