"""Pauses that registries have asked for, shared by all workers."""

from __future__ import annotations

from django.db import models


class HostPause(models.Model):
    """Nobody asks this host for anything before `until`."""

    host = models.CharField(max_length=262, unique=True, help_text="host or host:port")
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.host} until {self.until:%Y-%m-%d %H:%M:%S}"
