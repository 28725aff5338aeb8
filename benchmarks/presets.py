"""The cases that are measured: what is copied, over which line, in which steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from benchmarks import content
from benchmarks.content import Content


class Step(StrEnum):
    """What a tool is timed at."""

    FIRST = "first copy"
    UNCHANGED = "unchanged"
    RECORDED = "unchanged, recorded state"
    MOVED = "5 % moved"


ALL_STEPS = (Step.FIRST, Step.UNCHANGED, Step.RECORDED, Step.MOVED)


@dataclass(frozen=True)
class Preset:
    """A case. `content` takes the scale; delay: milliseconds that each way to and from the source takes longer."""

    name: str
    title: str
    content: Callable[[float], Content]
    steps: tuple[Step, ...] = ALL_STEPS
    delay: float = 0.0
    tls: bool = False

    @property
    def starts_filled(self) -> bool:
        """Whether the target has everything from the start, because nobody times how it came there."""
        return Step.FIRST not in self.steps


def _scaled(number: int, scale: float, *, least: int) -> int:
    return max(round(number * scale), least)


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("small", "500 small tags", lambda scale: content.small_tags(_scaled(500, scale, least=4))),
        Preset(
            "multiarch",
            "50 tags × 4 architectures, 0.45 GB",
            lambda scale: content.multi_platform_tags(_scaled(50, scale, least=2)),
        ),
        Preset("big", "4 tags × 3 layers × 200 MB", lambda scale: content.big_blobs(200 * scale), steps=(Step.FIRST,)),
        Preset(
            "big-tls",
            "4 tags × 3 layers × 200 MB, TLS on both sides",
            lambda scale: content.big_blobs(200 * scale),
            steps=(Step.FIRST,),
            tls=True,
        ),
        Preset("fleet", "100 repositories × 10 tags", lambda scale: content.fleet(_scaled(100, scale, least=2))),
        Preset(
            "huge",
            "5,000 tags",
            lambda scale: content.tiny_tags(_scaled(5000, scale, least=4)),
            steps=(Step.UNCHANGED, Step.RECORDED),
        ),
        Preset(
            "far",
            "100 tags, source 30 ms away",
            lambda scale: content.small_tags(_scaled(100, scale, least=4)),
            delay=15.0,
        ),
    )
}
FARM = "farm"
"""The one preset that measures no tool but what the farm adds around the engine: `farm.py`."""
