"""What became of one tag in one sync."""

from __future__ import annotations

from django.db import models

from mirrors.models.sync import Sync, error_codes


class TagCopy(models.Model):
    """The outcome of one tag: digests before and after, bytes, seconds, and the reason in words.

    Tags that were equal have no row of their own, `Sync.unchanged_tags` names them; but they have one where something
    that refers to them did not come along, which the reason tells.
    """

    class Action(models.TextChoices):
        COPIED = "copied"
        UNCHANGED = "unchanged"
        SKIPPED = "skipped"
        DELETED = "deleted"
        FAILED = "failed"

    sync = models.ForeignKey(Sync, on_delete=models.CASCADE, related_name="tag_copies")
    tag = models.CharField(max_length=128)
    action = models.CharField(max_length=9, choices=Action)
    source_digest = models.CharField(max_length=150, blank=True)
    target_digest_before = models.CharField(max_length=150, blank=True)
    target_digest = models.CharField(max_length=150, blank=True)
    media_type = models.CharField(max_length=255, blank=True)
    bytes_copied = models.PositiveBigIntegerField(default=0)
    referrers_copied = models.PositiveIntegerField(default=0)
    referrers_failed = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)
    error_code = models.CharField(max_length=20, choices=error_codes, blank=True)
    message = models.TextField(blank=True)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "tag copies"
        ordering = ["tag"]
        constraints = [
            models.UniqueConstraint(fields=["sync", "tag"], name="one_outcome_per_tag"),
            models.CheckConstraint(
                condition=models.Q(action__in=["copied", "unchanged", "skipped", "deleted", "failed"]),
                name="tag_action_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tag}: {self.action}"
