"""What a sync would do, asked for beforehand."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from mirrors.models.encryption import CiphertextField, plain_text_of
from mirrors.models.sync import error_codes, sides


class Preview(models.Model):
    """A question and, once a worker has looked at both registries, its answer; forgotten after `expires_at`.

    configuration: the columns of the mirror that is asked about, without secrets. Secrets are deleted when it ends.
    result: see `mirrors.services.mirroring.preview_findings`.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    ACTIVE = (Status.QUEUED, Status.RUNNING)

    repository = models.ForeignKey("mirrors.Repository", on_delete=models.CASCADE, related_name="previews")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="previews"
    )
    configuration = models.JSONField(default=dict)
    source_username_ciphertext = CiphertextField()
    source_password_ciphertext = CiphertextField()
    source_username = plain_text_of("source_username_ciphertext")
    source_password = plain_text_of("source_password_ciphertext")
    http_proxy_ciphertext = CiphertextField()
    https_proxy_ciphertext = CiphertextField()
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    result = models.JSONField(null=True, blank=True)
    error_code = models.CharField(max_length=20, choices=error_codes, blank=True)
    error_side = models.CharField(max_length=6, choices=sides, blank=True)
    message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "succeeded", "failed"]), name="preview_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running"], finished_at__isnull=True)
                | Q(
                    status__in=["succeeded", "failed"],
                    finished_at__isnull=False,
                    source_username_ciphertext__isnull=True,
                    source_password_ciphertext__isnull=True,
                    http_proxy_ciphertext__isnull=True,
                    https_proxy_ciphertext__isnull=True,
                ),
                name="a_preview_that_has_ended_holds_no_secrets",
            ),
        ]

    def __str__(self) -> str:
        return f"preview {self.pk} of {self.repository_id} ({self.status})"
