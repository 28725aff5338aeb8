"""What syncs leave behind, in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from mirrors.admin.bases import DeletableAdmin, ReadOnlyAdmin
from mirrors.models import HostPause, MirroredTag, Sync, TagCopy

UNCHANGED_SHOWN = 100
SHORT_DIGEST = len("sha256:") + 12


@admin.register(Sync)
class SyncAdmin(ReadOnlyAdmin):
    """Syncs. Only their workers and the sweep move them."""

    list_display = (
        "id",
        "mirror",
        "status",
        "trigger",
        "attempt",
        "started_at",
        "finished_at",
        "tags_copied",
        "referrers_copied",
        "error_code",
        "worker",
    )
    list_filter = ("status", "trigger", "error_code", "error_side", "asked_target")
    list_select_related = ("mirror__repository__namespace",)
    search_fields = ("=id", "mirror__repository__namespace__name", "mirror__repository__name", "worker", "message")
    date_hierarchy = "created_at"
    exclude = ("unchanged_tags",)
    readonly_fields = ("first_unchanged_tags",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the columns that lists do not show and that may be long."""
        return super().get_queryset(request).defer("unchanged_tags", "snapshot", "in_flight")

    @admin.display(description="unchanged tags")
    def first_unchanged_tags(self, sync: Sync) -> str:
        """The names of the tags that were equal, as many as fit on a page."""
        names = sync.unchanged_tags
        more = f" and {len(names) - UNCHANGED_SHOWN} more" if len(names) > UNCHANGED_SHOWN else ""
        return ", ".join(names[:UNCHANGED_SHOWN]) + more or "–"


@admin.register(TagCopy)
class TagCopyAdmin(ReadOnlyAdmin):
    """What became of each tag; those that were equal have no row."""

    list_display = (
        "tag",
        "action",
        "sync",
        "bytes_copied",
        "referrers_copied",
        "referrers_failed",
        "seconds",
        "error_code",
        "recorded_at",
    )
    list_filter = ("action", "error_code")
    list_select_related = ("sync",)
    search_fields = ("=sync__id", "tag", "source_digest", "target_digest", "message")
    show_full_result_count = False  # the largest table of the farm


@admin.register(MirroredTag)
class MirroredTagAdmin(ReadOnlyAdmin):
    """What each tag is at both sides, as far as the farm knows."""

    list_display = ("tag", "repository", "digest_at_source", "digest_at_target", "media_type", "sync_id")
    list_select_related = ("mirror__repository__namespace",)
    ordering = ("mirror", "tag")  # as the index has them
    search_fields = (
        "=tag",
        "source_digest",
        "target_digest",
        "mirror__repository__namespace__name",
        "mirror__repository__name",
    )
    show_full_result_count = False

    @admin.display(ordering="mirror")
    def repository(self, tag: MirroredTag) -> str:
        """Where it is."""
        return tag.mirror.repository.full_name

    @admin.display(ordering="source_digest")
    def digest_at_source(self, tag: MirroredTag) -> str:
        """As much of it as tells it from others."""
        return tag.source_digest[:SHORT_DIGEST]

    @admin.display(ordering="target_digest")
    def digest_at_target(self, tag: MirroredTag) -> str:
        """The same at the target."""
        return tag.target_digest[:SHORT_DIGEST]


@admin.register(HostPause)
class HostPauseAdmin(DeletableAdmin):
    """Registries that have asked to be left alone. Deleting a pause lifts it."""

    list_display = ("host", "until")
    search_fields = ("host",)
    ordering = ("until",)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, and above it what can be done with it."""
        title = "Registries that have asked for a pause. Deleting it lets all workers ask again within seconds."
        return super().changelist_view(request, {"title": title} | (extra_context or {}))
