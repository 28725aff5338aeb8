"""Copying: one repository per worker process."""

from __future__ import annotations

import os

from celery import Task, shared_task

from mirrors.services.syncs import sync_runs


@shared_task(name="tasks.syncs.run_sync", bind=True)
def run_sync(self: Task[[int], None], sync_id: int) -> None:
    """Run a queued sync, unless another worker has it."""
    sync_runs.run_sync(sync_id, worker=f"{self.request.hostname} ({os.getpid()})")
