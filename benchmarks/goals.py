"""What Mirrorfarm has to reach, each goal beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.presets import PRESETS, Step
from benchmarks.results import Medians, Results
from benchmarks.tools import CRANE, CURL, CURL_PIPE, ENGINE, OURS, QUAY, REGSYNC, TOOLS

A_THIRD_MORE = 4 / 3


@dataclass(frozen=True)
class Verdict:
    """A goal and what became of it. reached: None where something it needs was not measured."""

    case: str
    goal: str
    measured: str
    reached: bool | None


def verdicts(results: Results) -> list[Verdict]:
    """Every goal of every preset that was measured."""
    return [verdict for judge in _JUDGES for verdict in judge(results)]


def show(results: Results, console: Console) -> None:
    """A table of the goals."""
    table = Table(title="Goals", title_justify="left", box=None, pad_edge=False)
    for column in ("case", "goal", "measured", ""):
        table.add_column(column)
    for verdict in verdicts(results):
        word = {True: "[green]reached[/green]", False: "[red]not reached[/red]", None: "[dim]not measured[/dim]"}
        table.add_row(verdict.case, verdict.goal, verdict.measured, word[verdict.reached])
    console.print(table)


def markdown(results: Results) -> str:
    """The same as Markdown."""
    word = {True: "reached", False: "**not reached**", None: "not measured"}
    lines = ["| case | goal | measured | |", "|---|---|---|---|"]
    for each in verdicts(results):
        goal = each.goal.replace("|", "\\|")
        lines.append(f"| {each.case} | {goal} | {each.measured} | {word[each.reached]} |")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Case:
    """One step of one preset. compared: the step of the others, where ours has one of its own."""

    results: Results
    preset: str
    step: Step
    compared: Step

    @property
    def name(self) -> str:
        return f"{PRESETS[self.preset].title}: {self.step}"

    @property
    def ours(self) -> Medians | None:
        # A worker runs for days: the start of an interpreter is no part of a copy. The command line, which pays it, is
        # shown beside.
        running = self.results.medians(self.preset, self.step, ENGINE)
        return running or self.results.medians(self.preset, self.step, OURS)

    def theirs(self, tool: str) -> Medians | None:
        return self.results.medians(self.preset, self.compared, tool)

    def faster(self, tool: str, times: float) -> Verdict:
        """Our wall time against another's: `times` as fast at least; below one, that much slower at most."""
        title = TOOLS[tool].title
        goal = f"≥ {times:g} × as fast as {title}" if times >= 1 else f"≤ {1 / times:.2f} × the time of {title}"
        return self._ratio(tool, goal, times, lambda medians: medians.wall)

    def cheaper(self, tool: str, times: float) -> Verdict:
        """Our CPU against another's."""
        goal = f"≤ 1/{times:g} of the CPU of {TOOLS[tool].title}"
        return self._ratio(tool, goal, times, lambda medians: medians.cost.cpu)

    def _ratio(self, tool: str, goal: str, times: float, figure: Callable[[Medians], float]) -> Verdict:
        ours, theirs = self.ours, self.theirs(tool)
        if ours is None or theirs is None:
            return Verdict(self.name, goal, f"no {tool} here" if ours else "", None)
        ratio = figure(theirs) / figure(ours)
        shown = f"{ratio:.1f} ×" if ratio >= 1 else f"{ratio:.2f} × ({1 / ratio:.2f} × its figure)"
        return Verdict(self.name, goal, shown, ratio >= times)

    def against_peers(self, times: float) -> Iterator[Verdict]:
        yield self.faster(CRANE, times)
        yield self.faster(REGSYNC, times)


def _case(results: Results, preset: str, step: Step, *, compared: Step | None = None) -> _Case | None:
    case = _Case(results, preset, step, compared or step)
    return case if case.ours else None


def _first_copies(results: Results) -> Iterator[Verdict]:
    for preset in ("small", "fleet"):
        if case := _case(results, preset, Step.FIRST):
            yield case.faster(QUAY, 5)
            yield case.cheaper(QUAY, 8)
            yield from case.against_peers(1)
            yield case.faster(CURL_PIPE, 1 / 1.3)
            yield case.faster(CURL, 1 / 1.3)
    if case := _case(results, "multiarch", Step.FIRST):
        yield case.faster(QUAY, 2.5)
        yield from case.against_peers(1)


def _big_blobs(results: Results) -> Iterator[Verdict]:
    if case := _case(results, "big", Step.FIRST):
        yield case.faster(QUAY, 1)
        yield case.cheaper(QUAY, 2)
        yield from case.against_peers(1)
        yield _throughput(case, 600)
        yield _memory(case, 80)
    if case := _case(results, "big-tls", Step.FIRST):
        yield _throughput(case, 330)
        yield _memory(case, 80)


def _throughput(case: _Case, megabytes: int) -> Verdict:
    preset, ours = case.results.preset(case.preset), case.ours
    assert preset is not None
    assert ours is not None
    reached = preset.size / 1e6 / ours.cost.cpu
    return Verdict(case.name, f"≥ {megabytes} MB per CPU second", f"{reached:.0f} MB", reached >= megabytes)


def _memory(case: _Case, mebibytes: int) -> Verdict:
    assert case.ours is not None
    peak = case.ours.cost.peak / (1 << 20)
    return Verdict(case.name, f"≤ {mebibytes} MiB of memory", f"{peak:.0f} MiB", peak <= mebibytes)


def _unchanged(results: Results) -> Iterator[Verdict]:
    for preset in ("small", "huge"):
        if case := _case(results, preset, Step.UNCHANGED):
            yield case.faster(QUAY, 20)
            yield case.faster(CRANE, 1 / A_THIRD_MORE)
        if case := _case(results, preset, Step.RECORDED, compared=Step.UNCHANGED):
            yield case.faster(QUAY, 35)
            yield from case.against_peers(1)
            yield _fewest_requests(case)


def _fewest_requests(case: _Case) -> Verdict:
    preset, ours = case.results.preset(case.preset), case.ours
    assert preset is not None
    assert ours is not None
    asked = (_without_pings(ours.cost.source_requests), _without_pings(ours.cost.target_requests))
    least = ({"HEAD manifest": preset.tags, "GET tag list": 1}, {"GET tag list": 1})
    goal = "one HEAD a tag and the tag list at the source, the tag list at the target"
    measured = f"{sum(asked[0].values())} requests and {sum(asked[1].values())}"
    return Verdict(case.name, goal, measured, asked == least)


def _without_pings(requests: dict[str, int]) -> dict[str, int]:
    """Plain HTTP needs one to find out that there is no TLS; not counted here."""
    return {kind: count for kind, count in requests.items() if kind != "GET /v2/"}


def _moved(results: Results) -> Iterator[Verdict]:
    if case := _case(results, "small", Step.MOVED):
        yield case.faster(QUAY, 16)
        yield case.faster(CRANE, 1 / A_THIRD_MORE)


def _far(results: Results) -> Iterator[Verdict]:
    for step, times in ((Step.FIRST, 20), (Step.UNCHANGED, 50)):
        if case := _case(results, "far", step):
            yield case.faster(QUAY, times)
            yield from case.against_peers(1)


def _farm(results: Results) -> Iterator[Verdict]:
    name = "the farm around the engine, unchanged tags"
    for result in results.farm:
        measured = result.milliseconds_per_tag
        goal = f"≤ 0.5 ms of CPU per tag on top of the engine, {result.tags} tags"
        yield Verdict(name, goal, f"{measured:.2f} ms", measured <= 0.5)
    counts = [result.queries for result in results.farm]
    if len(counts) > 1:
        tags = " and ".join(str(result.tags) for result in results.farm)
        goal = f"as many statements to the database for {tags} tags"
        yield Verdict(name, goal, " and ".join(map(str, counts)), len(set(counts)) == 1)


_JUDGES = (_first_copies, _moved, _big_blobs, _unchanged, _far, _farm)
