"""The Django admin: every model to look at; a change by hand only where no service has a rule about it."""

from __future__ import annotations

from django.contrib import admin

from mirrors.admin import accounts, mirrors, repositories, syncs

__all__ = ["accounts", "mirrors", "repositories", "syncs"]

admin.site.site_header = "Mirrorfarm administration"
admin.site.site_title = "Mirrorfarm"
admin.site.index_title = "Administration"
