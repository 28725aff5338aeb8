"""Mirrors of whole organizations in the admin, and what they have discovered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from mirrors.admin.bases import ReadOnlyAdmin, person
from mirrors.errors import Forbidden, MirrorError
from mirrors.models import DiscoveredRepository, Namespace, OrganizationMirror
from mirrors.services import access
from mirrors.services.organization_mirrors import organization_mirrors


@admin.register(OrganizationMirror)
class OrganizationMirrorAdmin(ReadOnlyAdmin):
    """To find and to act on many at once; each is changed over the API."""

    list_display = (
        "namespace",
        "source_type",
        "source_url",
        "source_namespace",
        "is_enabled",
        "status",
        "next_discovery_at",
        "robot",
    )
    list_filter = ("is_enabled", "status", "source_type", "visibility")
    list_select_related = ("namespace", "robot__namespace")
    search_fields = ("namespace__name", "source_url", "source_namespace")
    actions = ("sync_now", "cancel")
    fields = (
        "discovery",
        "namespace",
        "is_enabled",
        "source_type",
        "source_url",
        "source_namespace",
        "has_credentials",
        "has_registry_config",
        "repository_filters",
        "robot",
        "visibility",
        "starts_at",
        "next_discovery_at",
        "sync_interval",
        "timeout_seconds",
        "status",
        "attempts_left",
        "lease_expires_at",
        "message",
        "created_at",
        "updated_at",
    )

    @admin.display
    def discovery(self, mirror: OrganizationMirror) -> str:
        """What this version does not do yet."""
        return organization_mirrors.DISCOVERY_NOTE

    @admin.display(boolean=True)
    def has_credentials(self, mirror: OrganizationMirror) -> bool:
        """Whether credentials are stored; what they are is not shown."""
        return mirror.source_username_ciphertext is not None or mirror.source_password_ciphertext is not None

    @admin.display(boolean=True, description="has TLS or proxy settings")
    def has_registry_config(self, mirror: OrganizationMirror) -> bool:
        """Whether any are stored; an address of a proxy may hold a password."""
        return mirror.registry_config_ciphertext is not None

    @admin.action(description="Sync the selected organizations now", permissions=["view"])
    def sync_now(self, request: HttpRequest, selected: QuerySet[OrganizationMirror]) -> None:
        """Store a request for each."""
        self._each(request, selected, organization_mirrors.request_discovery)

    @admin.action(description="Cancel the syncs of the selected organizations", permissions=["view"])
    def cancel(self, request: HttpRequest, selected: QuerySet[OrganizationMirror]) -> None:
        """Cancel each."""
        self._each(request, selected, organization_mirrors.cancel_discovery)

    def _each(
        self, request: HttpRequest, selected: QuerySet[OrganizationMirror], act: Callable[[Namespace], object]
    ) -> None:
        done = 0
        for mirror in selected.select_related("namespace"):
            try:
                if not access.administers_namespace(person(request), mirror.namespace):
                    raise Forbidden(f"You need to administer {mirror.namespace} for that.")
                act(mirror.namespace)
                done += 1
            except MirrorError as error:
                messages.warning(request, f"Not done for {mirror.namespace}: {error.message}")
        if done:
            messages.success(request, f"Done for {done} organization{'' if done == 1 else 's'}.")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, and above it what this version does not do yet."""
        return super().changelist_view(request, {"title": organization_mirrors.DISCOVERY_NOTE} | (extra_context or {}))


@admin.register(DiscoveredRepository)
class DiscoveredRepositoryAdmin(ReadOnlyAdmin):
    """What organization mirrors have found at their sources."""

    list_display = ("name", "organization", "repository", "is_skipped", "message", "discovered_at")
    list_filter = ("is_skipped",)
    list_select_related = ("organization_mirror__namespace", "repository__namespace")
    search_fields = ("name", "organization_mirror__namespace__name", "message")

    @admin.display(ordering="organization_mirror__namespace__name")
    def organization(self, row: DiscoveredRepository) -> str:
        """Whose mirror has found it."""
        return row.organization_mirror.namespace.name
