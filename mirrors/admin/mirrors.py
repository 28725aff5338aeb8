"""Mirrors in the admin."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from mirrors.admin.bases import ReadOnlyAdmin, page_link, person
from mirrors.errors import Forbidden, MirrorError
from mirrors.models import Mirror
from mirrors.services import access
from mirrors.services.mirroring import mirrors
from mirrors.services.syncs import syncs


@admin.register(Mirror)
class MirrorAdmin(ReadOnlyAdmin):
    """Mirrors, to find and to act on many at once; each is changed on its page."""

    list_display = ("repository", "source_reference", "is_enabled", "next_sync_at", "sync_interval", "robot", "page")
    list_filter = ("is_enabled", "verify_tls", "index_mode", "copies_referrers", "copies_foreign_layers")
    list_select_related = ("repository__namespace", "robot__namespace")
    search_fields = ("repository__namespace__name", "repository__name", "source_reference")
    date_hierarchy = "next_sync_at"
    actions = ("sync_now", "cancel", "enable", "disable")
    fields = (
        "page",
        "repository",
        "source_reference",
        "tag_patterns",
        "platforms",
        "index_mode",
        "copies_referrers",
        "copies_foreign_layers",
        "is_enabled",
        "starts_at",
        "next_sync_at",
        "sync_interval",
        "timeout_seconds",
        "robot",
        "verify_tls",
        "unsigned_images",
        "has_credentials",
        "has_proxies",
        "no_proxy",
        "created_at",
        "updated_at",
    )

    @admin.display(description="change it")
    def page(self, mirror: Mirror) -> SafeString:
        """A link to its page."""
        return page_link(mirror.repository)

    @admin.display(boolean=True)
    def has_credentials(self, mirror: Mirror) -> bool:
        """Whether credentials are stored; what they are is not shown."""
        return mirror.source_username_ciphertext is not None

    @admin.display(boolean=True)
    def has_proxies(self, mirror: Mirror) -> bool:
        """Whether a proxy is set."""
        return mirror.http_proxy_ciphertext is not None or mirror.https_proxy_ciphertext is not None

    @admin.action(description="Sync the selected mirrors now", permissions=["view"])
    def sync_now(self, request: HttpRequest, selected: QuerySet[Mirror]) -> None:
        """Request a sync of each."""
        self._each(request, selected, lambda mirror: syncs.request_sync(mirror, by=person(request)))

    @admin.action(description="Cancel the syncs of the selected mirrors", permissions=["view"])
    def cancel(self, request: HttpRequest, selected: QuerySet[Mirror]) -> None:
        """Cancel each."""
        self._each(request, selected, lambda mirror: syncs.cancel_sync(mirror, by=person(request)))

    @admin.action(description="Enable the selected mirrors", permissions=["view"])
    def enable(self, request: HttpRequest, selected: QuerySet[Mirror]) -> None:
        """Switch their schedules on."""
        self._each(request, selected, lambda mirror: mirrors.change_mirror(mirror, {"is_enabled": True}))

    @admin.action(description="Disable the selected mirrors", permissions=["view"])
    def disable(self, request: HttpRequest, selected: QuerySet[Mirror]) -> None:
        """Switch their schedules off."""
        self._each(request, selected, lambda mirror: mirrors.change_mirror(mirror, {"is_enabled": False}))

    def _each(self, request: HttpRequest, selected: QuerySet[Mirror], act: Callable[[Mirror], object]) -> None:
        done = 0
        for mirror in selected.select_related("repository__namespace", "robot__namespace"):
            try:
                if not access.may_administer(person(request), mirror.repository):
                    raise Forbidden(f"You need to administer {mirror.repository} for that.")
                act(mirror)
                done += 1
            except MirrorError as error:
                messages.warning(request, f"Not done for {mirror.repository}: {error.message}")
        if done:
            messages.success(request, f"Done for {done} mirror{'' if done == 1 else 's'}.")
