"""The timetable's short tasks."""

from __future__ import annotations

from celery import shared_task

from mirrors.services.mirroring import previews
from mirrors.services.syncs import schedules


@shared_task(name="tasks.schedules.enqueue_due_syncs")
def enqueue_due_syncs() -> None:
    """Queue what is due."""
    schedules.enqueue_due_syncs()


@shared_task(name="tasks.schedules.sweep")
def sweep() -> None:
    """Recover what was lost."""
    schedules.sweep()
    previews.ring_again()
