"""`make bench`: first copy, a run with nothing to do, and a run with 5 % moved tags; prints times and ratios."""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.registry import Registry, multi_platform_tags, small_tags, two_registries
from benchmarks.tools import Cost, digests, measured, run_mirrorfarm, run_skopeo
from mirrors.sample.images import Image

TOOLS = {"skopeo, as Quay runs it": run_skopeo, "Mirrorfarm": run_mirrorfarm}
STEPS = ("first copy", "nothing to do", "5 % of the tags moved")
REPOSITORY = "bench/images"


@dataclass(frozen=True)
class Preset:
    """What is copied: a name, and the tags of a generation."""

    name: str
    tags: Callable[[int], dict[str, Image]]


def presets(scale: float) -> list[Preset]:
    """Small tags and multi-platform tags, in number as `--scale` wants."""
    small, multi = max(int(200 * scale), 20), max(int(20 * scale), 5)
    return [
        Preset(f"{small} small tags", lambda generation: small_tags(small, generation=generation)),
        Preset(
            f"{multi} tags of 4 platforms (4 MB each)",
            lambda generation: multi_platform_tags(multi, generation=generation),
        ),
    ]


def time_tool(run: Callable[[str, str], None], preset: Preset, source: Registry, target: Registry) -> list[Cost]:
    """The three steps, each checked: every tag's digest at the target is the source's."""
    source.wipe()
    target.wipe()
    images = preset.tags(0)
    source.push(REPOSITORY, images)
    ends = (f"{source.address}/{REPOSITORY}", f"{target.address}/{REPOSITORY}")
    costs = [measured(run, *ends), measured(run, *ends)]
    moved = list(images)[::20]
    source.push(REPOSITORY, {tag: image for tag, image in preset.tags(1).items() if tag in moved})
    costs.append(measured(run, *ends))
    if digests(source.address, REPOSITORY, list(images)) != digests(target.address, REPOSITORY, list(images)):
        raise RuntimeError("The target's digests differ from the source's.")
    return costs


def show(console: Console, preset: Preset, runs: dict[str, list[list[Cost]]]) -> None:
    """A table of medians, and how many times faster than the first tool."""
    table = Table(title=preset.name)
    for title in ("step", "tool", "wall s", "client CPU s", "wall ratio", "CPU ratio"):
        table.add_column(title, justify="left" if title in ("step", "tool") else "right")
    for position, step in enumerate(STEPS):
        baseline: Cost | None = None
        for tool, costs in runs.items():
            wall = statistics.median(cost[position].wall for cost in costs)
            cpu = statistics.median(cost[position].cpu for cost in costs)
            baseline = baseline or Cost(wall, cpu)
            table.add_row(
                step, tool, f"{wall:.2f}", f"{cpu:.2f}", f"{baseline.wall / wall:.1f}x", f"{baseline.cpu / cpu:.1f}x"
            )
    console.print(table)


def main() -> int:
    """Time everything and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs of each tool; medians are shown (default 3)")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the content (default 1.0)")
    options = parser.parse_args()
    missing = [program for program in ("docker-registry", "skopeo") if not shutil.which(program)]
    if missing:
        print(f"Install {' and '.join(missing)} first (Debian: apt-get install {' '.join(missing)}).", file=sys.stderr)
        return 2
    console = Console(width=110)
    with two_registries() as (source, target):
        for preset in presets(options.scale):
            runs: dict[str, list[list[Cost]]] = {tool: [] for tool in TOOLS}
            for _ in range(options.runs):
                for tool, run in TOOLS.items():
                    runs[tool].append(time_tool(run, preset, source, target))
            show(console, preset, runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
