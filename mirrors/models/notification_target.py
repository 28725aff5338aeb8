"""Whom a repository's events are told to, and how."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from mirrors.models.encryption import CiphertextField, plain_text_of


class NotificationTarget(models.Model):
    """One rule: on this event, tell them in this way. The config may hold secrets, such as a webhook's address.

    config: a JSON object as text. number_of_failures: deliveries that failed in a row.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    repository = models.ForeignKey("mirrors.Repository", on_delete=models.CASCADE, related_name="notification_targets")
    title = models.CharField(max_length=255, blank=True)
    event = models.CharField(max_length=40)
    event_config = models.JSONField(default=dict, blank=True)
    method = models.CharField(max_length=40)
    config_ciphertext = CiphertextField()
    config_text = plain_text_of("config_ciphertext")
    number_of_failures = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=~Q(event=""), name="notification_has_an_event")]

    def __str__(self) -> str:
        return f"{self.event} of {self.repository} by {self.method}"
