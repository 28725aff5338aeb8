"""The audit log in the admin."""

from __future__ import annotations

from django.contrib import admin

from mirrors.admin.bases import ReadOnlyAdmin
from mirrors.models import LogEntry


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """What was changed and what the syncs did, newest first."""

    list_display = ("created_at", "kind", "namespace_name", "repository_name", "performer_name", "ip")
    search_fields = ("kind", "namespace_name", "repository_name", "performer_name", "=ip")
    date_hierarchy = "created_at"
    ordering = ("-id",)  # as the index has them
    show_full_result_count = False
    fields = (
        "created_at",
        "kind",
        "namespace_name",
        "repository_name",
        "performer_name",
        "ip",
        "metadata",
    )
