"""Which workers are there: each says so every half a minute, and is gone when it has not for a minute and a half."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from mirrors.models import Worker
from mirrors.models.worker import IS_GONE_AFTER

FORGOTTEN_AFTER = timedelta(days=1)


def note_worker(name: str) -> None:
    """Write down that the worker is there, and forget those that have long been gone."""
    now = timezone.now()
    Worker.objects.update_or_create(name=name[:255], defaults={"seen_at": now})
    Worker.objects.filter(seen_at__lt=now - FORGOTTEN_AFTER).delete()


def forget_worker(name: str) -> None:
    """Write down that the worker has stopped."""
    Worker.objects.filter(name=name[:255]).delete()


def count_workers() -> int:
    """How many have reported lately."""
    return Worker.objects.filter(seen_at__gt=timezone.now() - IS_GONE_AFTER).count()
