"""Results for people: tables in the terminal, and the same ones as Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.farm_result import FarmResult
from benchmarks.presets import Step
from benchmarks.results import Medians, Results
from benchmarks.session import PresetResult
from benchmarks.tools import OURS, TOOLS, Tool

COLUMNS = (
    "tool",
    "wall s",
    "from–to",
    "CPU s",
    "peak MB",
    "× our time",
    "× our CPU",
    "registries' CPU s",
    "requests",
)


@dataclass(frozen=True)
class Row:
    """One tool at one step, as text under COLUMNS, and what it asked of each side, by kind."""

    name: str
    cells: tuple[str, ...]
    source: dict[str, int]
    target: dict[str, int]
    is_ours: bool

    @property
    def style(self) -> str:
        """Ours stands out."""
        return "bold green" if self.is_ours else ""


def show(results: Results, console: Console) -> None:
    """Every preset and the farm, as tables."""
    console.print(_machine_sentence(results), style="dim")
    for preset in results.presets:
        console.print(f"\n[bold]{_title(preset, results)}[/bold]")
        for step, rows in _steps(results, preset):
            console.print(_costs_table(step, rows))
            console.print(_requests_table(rows))
            console.print()
    if results.farm:
        console.print("\n[bold]The farm around the engine, unchanged tags[/bold]")
        for result in results.farm:
            console.print(_farm_sentence(result))


BAR = "\\|"
"""How Markdown writes a bar within a cell."""


def markdown(results: Results) -> str:
    """The tables of medians."""
    lines = [_machine_sentence(results), ""]
    for preset in results.presets:
        lines += [f"### {_title(preset, results)}", ""]
        for step, rows in _steps(results, preset):
            lines += [f"| {' | '.join((step, *COLUMNS[1:]))} |", "|---|" + "---:|" * (len(COLUMNS) - 1)]
            for row in rows:
                cells = [f"**{cell}**" if row.is_ours and cell else cell for cell in row.cells]
                lines.append(f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |")
            lines.append("")
    if results.farm:
        lines += ["### The farm around the engine, unchanged tags", ""]
        lines += [f"* {_farm_sentence(result)}" for result in results.farm]
        lines.append("")
    return "\n".join(lines)


def _costs_table(step: str, rows: list[Row]) -> Table:
    table = Table(title=step, title_justify="left", title_style="italic", box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "tool" else "right")
    for row in rows:
        table.add_row(*row.cells, style=row.style)
    return table


def _requests_table(rows: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False, style="dim", header_style="dim")
    table.add_column("requests by kind")
    for row in rows:
        table.add_column(row.name, justify="right", style=row.style)
    for side in ("source", "target"):
        for kind in sorted({kind for row in rows for kind in getattr(row, side)}):
            table.add_row(f"{side}: {kind}", *(str(getattr(row, side).get(kind, "")) for row in rows))
    return table


def _steps(results: Results, preset: PresetResult) -> Iterator[tuple[str, list[Row]]]:
    for step in Step:
        ours = results.medians(preset.preset, step, OURS)
        rows = [
            _row(tool, medians, ours)
            for tool in TOOLS.values()
            if (medians := results.medians(preset.preset, step, tool.name))
        ]
        if rows:
            yield step.value, rows


def _row(tool: Tool, medians: Medians, ours: Medians | None) -> Row:
    cost = medians.cost
    is_ours = tool.name == OURS
    compared = ours is not None and not is_ours
    cells = (
        tool.title,
        f"{medians.wall:.2f}",
        f"{medians.fastest:.2f}–{medians.slowest:.2f}",
        f"{cost.cpu:.2f}",
        f"{cost.peak / 1e6:.0f}",
        f"{medians.wall / ours.wall:.2f}" if ours and compared else "",
        f"{cost.cpu / ours.cost.cpu:.2f}" if ours and compared else "",
        f"{cost.source_cpu:.2f} + {cost.target_cpu:.2f}",
        f"{sum(cost.source_requests.values())} + {sum(cost.target_requests.values())}",
    )
    return Row(tool.name, cells, cost.source_requests, cost.target_requests, is_ours)


def _title(preset: PresetResult, results: Results) -> str:
    scale = "" if results.scale == 1 else f", at a scale of {results.scale:g}"
    return f"{preset.title}{scale} ({preset.tags} tags, {preset.blobs} blobs, {preset.size / 1e6:,.0f} MB)"


def _machine_sentence(results: Results) -> str:
    facts = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    memory = "in memory" if facts["content_in_memory"] else "on disk"
    return (
        f"{facts['date']}: {facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB, {facts['system']}, "
        f"Python {facts['python']}; registries on loopback, their content {memory}. {versions}."
    )


def _farm_sentence(result: FarmResult) -> str:
    return (
        f"{result.tags} tags: {result.milliseconds_per_tag:.2f} ms of CPU per tag on top of the engine "
        f"({result.sync_cpu:.2f} s against {result.engine_cpu:.2f} s), {result.queries} statements to the database "
        f"and {result.heartbeat_queries} of the heartbeat"
    )
