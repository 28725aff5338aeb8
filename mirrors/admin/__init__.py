"""The Django admin: every model to look at; a change by hand only where no service has a rule about it."""

from __future__ import annotations

from django.contrib import admin

from mirrors.admin import accounts, logs, mirrors, notifications, organization_mirrors, repositories, syncs, teams

__all__ = [
    "accounts",
    "logs",
    "mirrors",
    "notifications",
    "organization_mirrors",
    "repositories",
    "syncs",
    "teams",
]

admin.site.site_header = "Mirrorfarm administration"
admin.site.site_title = "Mirrorfarm"
admin.site.index_title = "Administration"
