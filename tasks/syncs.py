"""Copying: one repository per worker process."""

from __future__ import annotations

from celery import shared_task

from mirrors.services import sync_runs


@shared_task(name="tasks.syncs.run_sync")
def run_sync(sync_id: int) -> None:
    """Run a queued sync, unless another worker has it."""
    sync_runs.run_sync(sync_id)
