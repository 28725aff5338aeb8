"""The chart of the documentation, as SVG: a panel for each case, a bar of seconds for each tool."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from benchmarks.presets import PRESETS, Step
from benchmarks.results import Results
from benchmarks.tools import CRANE, CURL, OURS, QUAY, REGSYNC, TOOLS

CASES = (
    ("small", Step.FIRST),
    ("small", Step.UNCHANGED),
    ("small", Step.MOVED),
    ("multiarch", Step.FIRST),
    ("fleet", Step.FIRST),
    ("fleet", Step.UNCHANGED),
    ("big", Step.FIRST),
    ("huge", Step.UNCHANGED),
    ("far", Step.FIRST),
    ("far", Step.UNCHANGED),
)
SHOWN = (OURS, QUAY, "skopeo-sync", CRANE, REGSYNC, CURL)

_COLUMNS, _PANEL_WIDTH, _GAP = 2, 420, 28
_TITLE_HEIGHT, _ROW_HEIGHT, _BAR_HEIGHT = 26, 19, 13
_LABEL_WIDTH, _VALUE_WIDTH = 160, 86

# Both schemes of the page that shows it: GitHub and browsers hand `prefers-color-scheme` on to images.
_STYLE = """\
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.label { text-anchor: end; }
.ours { font-weight: 600; }
.note { fill: #59636e; }
rect { fill: #afb8c1; }
rect.ours { fill: #1a7f37; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .note { fill: #9198a1; }
  rect { fill: #57606a; }
  rect.ours { fill: #3fb950; }
}
"""


@dataclass(frozen=True)
class _Bar:
    title: str
    seconds: float
    note: str
    is_ours: bool


@dataclass(frozen=True)
class _Panel:
    title: str
    bars: list[_Bar]

    @property
    def height(self) -> int:
        return _TITLE_HEIGHT + _ROW_HEIGHT * len(self.bars)


def chart(results: Results) -> str:
    """The SVG document of all cases that were measured."""
    panels = [panel for case in CASES if (panel := _panel(results, *case))]
    parts, top = [], 8
    for start in range(0, len(panels), _COLUMNS):
        row = panels[start : start + _COLUMNS]
        for column, panel in enumerate(row):
            parts.append(_drawn(panel, left=column * (_PANEL_WIDTH + _GAP), top=top))
        top += max(panel.height for panel in row) + _GAP
    width = _COLUMNS * _PANEL_WIDTH + (_COLUMNS - 1) * _GAP
    title = "Seconds that each tool takes, by case; shorter is better"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" width="{width}" height="{top}" '
        f'role="img" aria-label="{title}">\n<title>{title}</title>\n<style>\n{_STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _panel(results: Results, preset: str, step: Step) -> _Panel | None:
    walls = {tool: medians.wall for tool in SHOWN if (medians := results.medians(preset, step, tool))}
    if OURS not in walls:
        return None
    ours = walls[OURS]
    bars = [
        _Bar(TOOLS[tool].title, wall, "" if tool == OURS else f"{wall / ours:.1f}×", tool == OURS)
        for tool, wall in walls.items()
    ]
    title = PRESETS[preset].title
    return _Panel(title if step in title else f"{title}: {step}", bars)


def _drawn(panel: _Panel, *, left: int, top: int) -> str:
    longest = max(bar.seconds for bar in panel.bars)
    room = _PANEL_WIDTH - _LABEL_WIDTH - _VALUE_WIDTH
    lines = [f'<g transform="translate({left} {top})">', f'<text class="title" y="12">{escape(panel.title)}</text>']
    for number, bar in enumerate(panel.bars):
        y = _TITLE_HEIGHT + number * _ROW_HEIGHT
        width = max(bar.seconds / longest * room, 1)
        ours = " ours" if bar.is_ours else ""
        note = f' <tspan class="note">{bar.note}</tspan>' if bar.note else ""
        lines += [
            f'<text class="label{ours}" x="{_LABEL_WIDTH - 8}" y="{y + 11}">{escape(bar.title)}</text>',
            f'<rect class="bar{ours}" x="{_LABEL_WIDTH}" y="{y}" width="{width:.1f}" height="{_BAR_HEIGHT}" rx="2"/>',
            f'<text class="value{ours}" x="{_LABEL_WIDTH + width + 6:.1f}" y="{y + 11}">'
            f"{_seconds(bar.seconds)} s{note}</text>",
        ]
    return "\n".join([*lines, "</g>"])


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:.0f}"
