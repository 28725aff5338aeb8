"""The workers that have lately said that they are there."""

from __future__ import annotations

from datetime import timedelta

from django.db import models

REPORTS_EVERY = timedelta(seconds=30)
IS_GONE_AFTER = timedelta(seconds=90)


class Worker(models.Model):
    """One Celery worker that copies repositories, by the name it has there; it reports every half a minute."""

    name = models.CharField(max_length=255, unique=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
