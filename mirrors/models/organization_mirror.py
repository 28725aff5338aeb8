"""Mirrors that find their repositories themselves, and what they have found."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from mirrors.models.encryption import CiphertextField, plain_text_of


class OrganizationMirror(models.Model):
    """Keep this organization like that one: every repository of it that the filters let through.

    starts_at fixes the phase of the schedule, next_discovery_at is when the next discovery is due.
    status: of discovery.
    """

    class SourceType(models.TextChoices):
        HARBOR = "harbor"
        QUAY = "quay"

    class Status(models.TextChoices):
        NEVER_RUN = "never_run"
        REQUESTED = "requested"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    namespace = models.OneToOneField("mirrors.Namespace", on_delete=models.CASCADE, related_name="organization_mirror")
    is_enabled = models.BooleanField(default=True)
    source_type = models.CharField(max_length=10, choices=SourceType)
    source_url = models.CharField(max_length=2048)
    source_namespace = models.CharField(max_length=255)
    source_username_ciphertext = CiphertextField()
    source_password_ciphertext = CiphertextField()
    source_username = plain_text_of("source_username_ciphertext")
    source_password = plain_text_of("source_password_ciphertext")
    registry_config_ciphertext = CiphertextField()
    registry_config_text = plain_text_of("registry_config_ciphertext")
    repository_filters = models.JSONField(default=list, blank=True)
    robot = models.ForeignKey("mirrors.Robot", on_delete=models.RESTRICT, related_name="organization_mirrors")
    visibility = models.CharField(max_length=7, choices=[("public", "public"), ("private", "private")])
    sync_interval = models.PositiveIntegerField(help_text="Seconds, 60 or more.")
    timeout_seconds = models.PositiveIntegerField(default=300, help_text="Per tag.")
    starts_at = models.DateTimeField(default=timezone.now)
    next_discovery_at = models.DateTimeField(null=True, blank=True, db_index=True)
    status = models.CharField(max_length=9, choices=Status, default=Status.NEVER_RUN)
    attempts_left = models.PositiveSmallIntegerField(default=3)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    message = models.TextField(blank=True, help_text="The outcome of the last discovery in a sentence.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(sync_interval__gte=60), name="organization_mirror_interval_is_allowed"),
            models.CheckConstraint(
                condition=Q(timeout_seconds__gte=30, timeout_seconds__lte=3600),
                name="organization_mirror_timeout_is_allowed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.namespace} from {self.external_reference}"

    @property
    def external_reference(self) -> str:
        """Where it reads, as the audit log names it."""
        return f"{self.source_url.rstrip('/')}/{self.source_namespace}"

    @property
    def registry_config(self) -> dict[str, Any]:
        """verify_tls, unsigned_images and proxy, as far as they were given; raises DecryptionFailed."""
        config: dict[str, Any] = json.loads(self.registry_config_text or "{}")
        return config

    @registry_config.setter
    def registry_config(self, config: dict[str, Any]) -> None:
        self.registry_config_text = json.dumps(config) if config else None


class DiscoveredRepository(models.Model):
    """A repository that an organization mirror has found at its source.

    repository: ours, once it is made; its own Mirror and Syncs say how it is doing.
    is_skipped: vanished or filtered out.
    """

    organization_mirror = models.ForeignKey(OrganizationMirror, on_delete=models.CASCADE, related_name="discovered")
    name = models.CharField(max_length=255, help_text="At the source, without its namespace.")
    repository = models.OneToOneField(
        "mirrors.Repository", on_delete=models.SET_NULL, null=True, blank=True, related_name="discovered_as"
    )
    is_skipped = models.BooleanField(default=False)
    message = models.TextField(blank=True)
    discovered_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "discovered repositories"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization_mirror", "name"], name="a_repository_is_discovered_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} for {self.organization_mirror}"
