"""What the farm adds to its engine for one repository of unchanged tags."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FarmResult:
    """CPU seconds of this process: of a whole sync (run_sync, its thread included), and of the engine alone on the same
    repository. queries: statements that a sync sends to its database; heartbeat_queries: those of its heartbeat, which
    depend on how long it takes. All medians.
    """

    tags: int
    rounds: int
    sync_cpu: float
    engine_cpu: float
    queries: int
    heartbeat_queries: int

    @property
    def milliseconds_per_tag(self) -> float:
        """What the farm adds for each tag."""
        return (self.sync_cpu - self.engine_cpu) * 1000 / self.tags
