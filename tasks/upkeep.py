"""Tidying up, now and then."""

from __future__ import annotations

from celery import shared_task

from mirrors.services.accounts import access_tokens, sign_in, sign_in_throttle
from mirrors.services.logs import logs
from mirrors.services.mirroring import previews
from mirrors.services.syncs import upkeep


@shared_task(name="tasks.upkeep.collect_garbage")
def collect_garbage() -> None:
    """Free what no tag of the built-in store reaches."""
    upkeep.collect_garbage()


@shared_task(name="tasks.upkeep.forget_old_pauses")
def forget_old_pauses() -> None:
    """Drop the pauses of registries that are over."""
    upkeep.forget_old_pauses()


@shared_task(name="tasks.upkeep.forget_old_previews")
def forget_old_previews() -> None:
    """Drop previews an hour after they were asked for."""
    previews.forget_old_previews()


@shared_task(name="tasks.upkeep.forget_old_sign_ins")
def forget_old_sign_ins() -> None:
    """Drop sessions and tokens that are over, and failures to sign in that slow nobody down any more."""
    sign_in.forget_old_sessions()
    access_tokens.forget_expired()
    sign_in_throttle.forget_old_attempts()


@shared_task(name="tasks.upkeep.forget_old_syncs")
def forget_old_syncs() -> None:
    """Drop history older than HISTORY_DAYS, and log entries older than LOG_RETENTION_DAYS."""
    upkeep.forget_old_syncs()
    logs.forget_old_entries()
