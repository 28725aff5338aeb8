"""What people find in the bell of the pages and under /v1/user/notifications."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class UserNotification(models.Model):
    """One notice for one person; dismissed ones are not listed any more.

    kind: an event, such as repo_mirror_sync_failed. namespace: the organization that was told; none: the person alone.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    namespace = models.ForeignKey(
        "mirrors.Namespace", on_delete=models.CASCADE, null=True, blank=True, related_name="user_notifications"
    )
    kind = models.CharField(max_length=60)
    metadata = models.JSONField(default=dict, blank=True)
    is_dismissed = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "-id"], condition=Q(is_dismissed=False), name="notices_to_show")]

    def __str__(self) -> str:
        return f"{self.kind} for {self.user}"
