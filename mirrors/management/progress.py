"""Watching one sync from a shell: a live line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from django.conf import settings
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from mirrors.errors import NotFound
from mirrors.models import Sync
from mirrors.models.sync import Stage, Status
from mirrors.oci.display import human_size

LOOK_EVERY = 0.4
LINE_EVERY = 5.0
PATIENCE = 8.0  # seconds in the queue after which we say what is wrong

STAGES = {
    Stage.NONE: "starting",
    Stage.LISTING: "listing tags",
    Stage.COPYING: "copying",
    Stage.PRUNING: "deleting tags",
}
ENDS = {
    Status.SUCCEEDED: "succeeded",
    Status.FAILED: "failed",
    Status.CANCELLED: "was cancelled",
    Status.LOST: "lost its worker",
}


def follow(sync: Sync, *, console: Console, advice: str) -> Sync:
    """Show the sync, and the attempts that follow it, until the last has ended; gives that one.

    advice: what to do when no worker takes it.
    """
    sync, watched_since, warned = _fresh(sync), time.monotonic(), False
    with _Line(console) if console.is_terminal else _Lines(console) as display:
        while True:
            display.show(activity(sync), counts(sync), sync)
            if not sync.is_active:
                following = sync.followers.first()
                if following is None:
                    return sync
                console.print(f"{end_of(sync)} Another attempt follows.", markup=False, soft_wrap=True)
                sync, watched_since = following, time.monotonic()
            if not warned and _waits_too_long(sync, watched_since):
                console.print(_why_it_waits(advice), markup=False, soft_wrap=True)
                warned = True
            time.sleep(LOOK_EVERY)
            sync = _fresh(sync)


def activity(sync: Sync) -> str:
    """What is happening to it, in a few words."""
    if sync.status == Status.RUNNING:
        return "stopping" if sync.cancel_requested_at else STAGES[Stage(sync.stage)]
    if sync.status == Status.QUEUED:
        wait = (sync.available_at - timezone.now()).total_seconds()
        if wait > 0:
            return f"attempt {sync.attempt} of {settings.SYNC_ATTEMPTS} starts in {wait:.0f} s"
        return "waiting for a worker"
    return ENDS[Status(sync.status)]


def counts(sync: Sync) -> str:
    """Tags, bytes and speed so far: `3 of 5 tags, 4.1 MB of 6.0 MB, 1.2 MB/s`."""
    if sync.started_at is None or not sync.tags_total:
        return ""
    parts = [f"{tags_done(sync)} of {sync.tags_total} tags"]
    if sync.tags_failed:
        parts.append(f"{sync.tags_failed} failed")
    if sync.bytes_copied:
        seconds = max(((sync.finished_at or timezone.now()) - sync.started_at).total_seconds(), 0.1)
        total = f" of {human_size(sync.bytes_expected)}" if sync.bytes_expected > sync.bytes_copied else ""
        parts += [f"{human_size(sync.bytes_copied)}{total}", f"{human_size(sync.bytes_copied / seconds)}/s"]
    return ", ".join(parts)


def tags_done(sync: Sync) -> int:
    """Tags with an outcome, whichever."""
    return sync.tags_copied + sync.tags_unchanged + sync.tags_skipped + sync.tags_failed


def end_of(sync: Sync) -> str:
    """How it ended, in sentences."""
    took = ""
    if sync.started_at and sync.finished_at:
        took = f" after {(sync.finished_at - sync.started_at).total_seconds():.1f} s"
    copied = f" {human_size(sync.bytes_copied)} copied." if sync.bytes_copied else ""
    return f"The sync {ENDS[Status(sync.status)]}{took}. {sync.message}{copied}".strip()


class _Line:
    """One line of a terminal that changes in place; what others print on the console scrolls above it."""

    def __init__(self, console: Console) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(24),
            TextColumn("{task.fields[counts]}"),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("", total=None, counts="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, text: str, numbers: str, sync: Sync) -> None:
        total = sync.tags_total or None
        self._progress.update(self._task, description=text, counts=numbers, total=total, completed=tags_done(sync))


class _Lines:
    """A new line whenever the activity changes, and every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = ""
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, text: str, numbers: str, sync: Sync) -> None:
        changed = text.rstrip("0123456789 s") != self._shown
        if not sync.is_active or (not changed and time.monotonic() - self._shown_at < LINE_EVERY):
            return
        self._shown, self._shown_at = text.rstrip("0123456789 s"), time.monotonic()
        line = f"{text}: {numbers}" if numbers else text
        self._console.print(line, markup=False, soft_wrap=True)


def _waits_too_long(sync: Sync, since: float) -> bool:
    is_ready = sync.status == Status.QUEUED and sync.available_at <= timezone.now()
    return is_ready and time.monotonic() - since > PATIENCE


def _why_it_waits(advice: str) -> str:
    running = Sync.objects.filter(status=Status.RUNNING).count()
    if running:
        return f"No worker has taken it yet: {running} other syncs are running. It waits for its turn."
    return f"No worker has taken it yet: {advice}"


def _fresh(sync: Sync) -> Sync:
    found = Sync.objects.filter(pk=sync.pk).first()
    if found is None:
        raise NotFound("The mirror was removed while its sync was being watched.")
    return found
