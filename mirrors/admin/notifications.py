"""Notifications in the admin, whom to tell, what waits and what people were told; and the workers."""

from __future__ import annotations

from django.contrib import admin

from mirrors.admin.bases import DeletableAdmin, ReadOnlyAdmin
from mirrors.models import Delivery, NotificationTarget, UserNotification, Worker


@admin.register(NotificationTarget)
class NotificationTargetAdmin(ReadOnlyAdmin):
    """Whom a repository's events are told to. Where exactly is not shown: addresses are secrets."""

    list_display = ("repository", "event", "method", "title", "number_of_failures", "created_at")
    list_filter = ("event", "method")
    list_select_related = ("repository__namespace",)
    search_fields = ("repository__namespace__name", "repository__name", "title", "=uuid")
    fields = (
        "uuid",
        "repository",
        "event",
        "event_config",
        "method",
        "title",
        "number_of_failures",
        "created_at",
    )


@admin.register(Delivery)
class DeliveryAdmin(DeletableAdmin):
    """Messages on their way. Deleting one means that it is never sent."""

    list_display = ("created_at", "event", "state", "target")
    list_filter = ("state", "event")
    list_select_related = ("target__repository__namespace",)
    search_fields = ("target__repository__namespace__name", "target__repository__name", "=uuid")
    fields = ("uuid", "target", "event", "payload", "state", "created_at")
    show_full_result_count = False


@admin.register(UserNotification)
class UserNotificationAdmin(ReadOnlyAdmin):
    """What people find in the list of their own notifications."""

    list_display = ("created_at", "kind", "user", "namespace", "is_dismissed")
    list_filter = ("is_dismissed", "kind")
    list_select_related = ("user", "namespace")
    search_fields = ("user__username", "kind")
    fields = ("uuid", "user", "namespace", "kind", "metadata", "is_dismissed", "created_at")
    show_full_result_count = False


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """The workers that have lately said that they are there."""

    list_display = ("name", "seen_at")
    search_fields = ("name",)
