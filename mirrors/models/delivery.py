"""The outbox of notifications: what somebody is still to be told."""

from __future__ import annotations

import uuid

from django.db import models


class Delivery(models.Model):
    """One message on its way to one notification target, written in the transaction of the event that it tells of.

    payload: the event as a webhook gets it, in Quay's words: repository, namespace, name, docker_url, homepage, and
    message.
    """

    class State(models.TextChoices):
        QUEUED = "queued"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    target = models.ForeignKey("mirrors.NotificationTarget", on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "id"], name="deliveries_to_make")]

    def __str__(self) -> str:
        return f"{self.event} of {self.created_at:%Y-%m-%d %H:%M:%S} ({self.state})"
