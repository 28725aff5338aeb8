"""Shows a copy under way: a live display on a terminal, a line per tag elsewhere."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from mirrors.oci.copying.progress import Action, Progress, TagOutcome

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_REFRESH_SECONDS = 0.1


def outcome_line(outcome: TagOutcome, *, brief: bool = False) -> str:
    """`copied     v1.2  sha256:…  3 blobs, 1.2 MB`, or why not. brief: digests cut to what tells them apart."""
    digest = outcome.target_digest or ""
    shown = digest[:19] if brief else digest
    if outcome.action is not Action.COPIED:
        return f"{outcome.action.value:<10} {outcome.tag}  {outcome.reason or shown}"
    detail = f"{shown}  {outcome.blobs_copied} blobs, {human_size(outcome.bytes_copied)}  {outcome.reason}".rstrip()
    return f"{outcome.action.value:<10} {outcome.tag}  {detail}"


def summary_line(outcomes: list[TagOutcome], *, seconds: float) -> str:
    """`12 tags: 3 copied, 9 unchanged, with 3 referrers. 45.0 MB in 1.2 s.`"""
    counts = {action: sum(outcome.action is action for outcome in outcomes) for action in Action}
    parts = ", ".join(f"{count} {action.value}" for action, count in counts.items() if count)
    if referrers := sum(outcome.referrers_copied for outcome in outcomes):
        parts += f", with {referrers} referrer{'s' if referrers != 1 else ''}"
    moved = human_size(sum(outcome.bytes_copied for outcome in outcomes))
    return f"{len(outcomes)} tag{'s' if len(outcomes) != 1 else ''}: {parts}. {moved} in {seconds:.1f} s."


def human_size(size: float) -> str:
    """`1.5 MB`, in powers of a thousand."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


@asynccontextmanager
async def live_display(progress: Progress) -> AsyncIterator[None]:
    """Bars for the whole and for each tag in flight, while the context lasts; nothing unless stderr is a terminal."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
        from rich.progress import Progress as RichProgress
    except ImportError:
        yield
        return
    if not sys.stderr.isatty():
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bars:
        painter = asyncio.create_task(_paint(bars, progress))
        try:
            yield
        finally:
            painter.cancel()
            with suppress(asyncio.CancelledError):
                await painter


async def _paint(bars: Bars, progress: Progress) -> None:
    whole = bars.add_task("")
    shown: dict[str, TaskID] = {}
    while True:
        text = f"{progress.tags_done} of {progress.tags_total} tags"
        bars.update(whole, description=text, completed=progress.bytes_copied, total=progress.bytes_expected or None)
        for tag in set(shown) - set(progress.active):
            bars.remove_task(shown.pop(tag))
        for tag, counters in progress.active.items():
            shown[tag] = shown[tag] if tag in shown else bars.add_task(f"  {tag}")
            bars.update(shown[tag], completed=counters.bytes_copied, total=counters.bytes_expected or None)
        await asyncio.sleep(_REFRESH_SECONDS)
