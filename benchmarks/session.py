"""One preset from empty registries to costs: every tool, every step, several rounds, every copy checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.job import Job
from benchmarks.measure import Cost, measured
from benchmarks.presets import Preset, Step
from benchmarks.registries import Line, opened_line
from benchmarks.seeding import Seeded, check_digests, point_tags, seed
from benchmarks.tools import Tool


@dataclass(frozen=True)
class Run:
    """A tool, a step, a round, and what it cost."""

    tool: str
    step: str
    round: int
    cost: Cost


@dataclass
class PresetResult:
    """All runs of a preset. size: bytes of all blobs of all repositories."""

    preset: str
    title: str
    repositories: int
    tags: int
    blobs: int
    size: int
    runs: list[Run] = field(default_factory=list)


def run_preset(
    preset: Preset, *, tools: Sequence[Tool], rounds: int, scale: float, tell: Callable[[str, Run | None], None]
) -> PresetResult:
    """Measure it. tell: hears what happens, and each run as it ends."""
    with opened_line(delay=preset.delay, tls=preset.tls) as line:
        tell(f"{preset.title}: filling the source", None)
        seeded = seed(line.source.url, preset.content(scale), certificate=line.certificate)
        result = PresetResult(
            preset=preset.name,
            title=preset.title,
            repositories=len(seeded.tags),
            tags=sum(map(len, seeded.tags.values())),
            blobs=seeded.blob_count,
            size=seeded.size,
        )
        session = _Session(preset, line, seeded, result, tell)
        session.run(tools, rounds=rounds)
    return result


@dataclass
class _Session:
    preset: Preset
    line: Line
    seeded: Seeded
    result: PresetResult
    tell: Callable[[str, Run | None], None]

    def run(self, tools: Sequence[Tool], *, rounds: int) -> None:
        """Every tool in every round, another one first each time."""
        fitting = [tool for tool in tools if len(self.seeded.tags) > 1 or not tool.fleets_only]
        if self.preset.starts_filled:
            self.line.target.clone(self.line.source)
        self._check(self.line.source.url, moved=False)  # and its cache is warm for the first tool too
        for number in range(rounds):
            start = number % max(len(fitting), 1)
            for tool in [*fitting[start:], *fitting[:start]]:
                self._run_tool(tool, number=number)

    def _run_tool(self, tool: Tool, *, number: int) -> None:
        if not self.preset.starts_filled:
            self.line.target.wipe()
        for step in self.preset.steps:
            if step in tool.steps:
                cost = self._run_step(tool, step)
                run = Run(tool.name, step, number, cost)
                self.result.runs.append(run)
                self.tell(f"{self.preset.title}, {step}: {tool.title}", run)
        if Step.MOVED in tool.steps and Step.MOVED in self.preset.steps:
            self._point_tags(moved=False)

    def _run_step(self, tool: Tool, step: Step) -> Cost:
        moved = step is Step.MOVED
        if moved:
            self._point_tags(moved=True)
        job = Job(
            source=self.line.source_address,
            target=self.line.target.address,
            seeded=self.seeded,
            scratch=self.line.scratch,
            certificate=self.line.certificate,
            step=step,
        )
        if step is Step.RECORDED:
            measured(tool, job, self.line)  # leaves the record behind
        cost = measured(tool, job, self.line)
        self._check(self.line.target.url, moved=moved)
        return cost

    def _check(self, url: str, *, moved: bool) -> None:
        check_digests(url, self.seeded.digests(moved=moved), certificate=self.line.certificate)

    def _point_tags(self, *, moved: bool) -> None:
        point_tags(self.line.source.url, self.seeded, moved=moved, certificate=self.line.certificate)
