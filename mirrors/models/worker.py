"""The workers that have lately said that they are there."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.db import models
from django.utils import timezone

REPORTS_EVERY = timedelta(seconds=30)
IS_GONE_AFTER = timedelta(seconds=90)


class WorkerQuerySet(models.QuerySet["Worker"]):
    """The question that health asks."""

    def present(self) -> Self:
        """Those that have reported within the last minute and a half."""
        return self.filter(seen_at__gt=timezone.now() - IS_GONE_AFTER)


class Worker(models.Model):
    """One Celery worker that copies repositories, by the name it has there; it reports every half a minute."""

    name = models.CharField(max_length=255, unique=True)
    seen_at = models.DateTimeField()

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
