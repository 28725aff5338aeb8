"""The audit log: who changed what, and what the syncs did."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

# Without a constraint writing an entry locks no other row, and cannot fail because that row is just being deleted.
_LOOSE: Any = {
    "on_delete": models.SET_NULL,
    "null": True,
    "blank": True,
    "related_name": "log_entries",
    "db_constraint": False,
}


class LogEntry(models.Model):
    """One event with Quay's kind and metadata; nothing secret ever gets into the metadata.

    Names are kept beside the rows they belong to, because entries outlive them; read those, not the rows.
    """

    kind = models.CharField(max_length=60)
    namespace = models.ForeignKey("mirrors.Namespace", **_LOOSE)
    namespace_name = models.CharField(max_length=255, blank=True)
    repository = models.ForeignKey("mirrors.Repository", **_LOOSE)
    repository_name = models.CharField(max_length=255, blank=True)
    performer = models.ForeignKey(settings.AUTH_USER_MODEL, **_LOOSE)
    performer_name = models.CharField(max_length=255, blank=True, help_text="A user or robot; empty: the farm itself.")
    ip = models.GenericIPAddressField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "log entries"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["namespace", "-id"], name="log_of_namespace"),
            models.Index(fields=["repository", "-id"], name="log_of_repository"),
            models.Index(fields=["performer", "-id"], name="log_of_performer"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.created_at:%Y-%m-%d %H:%M:%S}"
