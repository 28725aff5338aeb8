"""Looking at registries for somebody who waits."""

from __future__ import annotations

from celery import shared_task

from mirrors.services.mirroring import previews


@shared_task(name="tasks.previews.run_preview")
def run_preview(preview_id: int) -> None:
    """Find out what a sync would do."""
    previews.run_preview(preview_id)
