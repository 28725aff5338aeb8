"""Times Mirrorfarm beside skopeo (as Quay runs it, and `skopeo sync`), crane, regsync and bare curl.

All on the same content, between two real registries on this machine, in turns, several rounds; every copy is checked.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import goals, report
from benchmarks.chart import chart
from benchmarks.errors import NotMeasurable
from benchmarks.farm import run_farm
from benchmarks.presets import FARM, PRESETS
from benchmarks.results import Results, machine_facts
from benchmarks.session import Run, run_preset
from benchmarks.tools import TOOLS, Tool

_WIDTH = 180


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the arguments want, or read what was measured earlier, and show it."""
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    try:
        results = Results.read(options.read) if options.read else _measured(options, console)
    except (NotMeasurable, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    report.show(results, console)
    if options.goals or (options.goals is None and results.scale == 1):
        goals.show(results, console)
    _write(results, options)
    return 0


def _measured(options: argparse.Namespace, console: Console) -> Results:
    if not shutil.which("docker-registry"):
        raise NotMeasurable("docker-registry is not installed. On Debian: apt-get install docker-registry skopeo")
    results = Results(machine=machine_facts(), scale=options.scale)
    tools = _installed(options.tools, console)

    def tell(text: str, run: Run | None) -> None:
        cost = f": {run.cost.wall:.2f} s, {run.cost.cpu:.2f} s of CPU" if run else " ..."
        busy = f" (others used {run.cost.others_cpu:.1f} s of CPU)" if run and run.cost.others_cpu > 1 else ""
        console.print(f"{text}{cost}{busy}", style="dim", highlight=False)

    for name in options.preset:
        if name == FARM:
            tell("The farm around the engine", None)
            results.farm = run_farm(rounds=options.rounds, scale=options.scale)
        else:
            preset = PRESETS[name]
            results.presets.append(
                run_preset(preset, tools=tools, rounds=options.rounds, scale=options.scale, tell=tell)
            )
        if options.json:
            results.write(options.json)  # what there is, in case a later preset fails
    return results


def _installed(names: Sequence[str], console: Console) -> list[Tool]:
    tools = [TOOLS[name] for name in names]
    for tool in tools:
        if not tool.is_installed:
            console.print(f"{tool.title}: left out, {tool.program} is not installed.", style="yellow")
    installed = [tool for tool in tools if tool.is_installed]
    if not installed:
        raise NotMeasurable("None of these tools is installed. Leave --tools out to measure those that are.")
    return installed


def _write(results: Results, options: argparse.Namespace) -> None:
    if options.json:
        results.write(options.json)
    if options.chart:
        options.chart.write_text(chart(results), encoding="utf-8")
    if options.markdown:
        text = f"{report.markdown(results)}\n{goals.markdown(results)}"
        options.markdown.write_text(text, encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    presets, tools = [*PRESETS, FARM], list(TOOLS)
    add = parser.add_argument
    add("--preset", nargs="+", choices=presets, default=presets, metavar="NAME", help=f"of {', '.join(presets)}")
    add("--tools", nargs="+", choices=tools, default=tools, metavar="NAME", help=f"of {', '.join(tools)}")
    add("--rounds", type=_positive, default=3, help="runs of each tool; medians are shown (default 3)")
    add("--scale", type=_scale, default=1.0, help="size of the content, for a quick look (default 1)")
    add(
        "--goals", action=argparse.BooleanOptionalAction, help="compare with what must be reached (default: at scale 1)"
    )
    add("--json", type=Path, metavar="FILE", help="write everything that was measured")
    add("--chart", type=Path, metavar="FILE.svg", help="draw the times")
    add("--markdown", type=Path, metavar="FILE.md", help="write the tables for the documentation")
    add("--read", type=Path, nargs="+", metavar="FILE.json", help="measure nothing, show what these files hold")
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError("give a whole number, 1 or more")
    return int(text)


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0 < scale <= 10:
        raise argparse.ArgumentTypeError("give a number between 0 and 10, like 0.1")
    return scale


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up as after Ctrl-C
    sys.exit(main())
