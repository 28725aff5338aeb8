"""What the last copy of each tag left at the target."""

from __future__ import annotations

from django.db import models


class MirroredTag(models.Model):
    """A tag that a mirror has brought to its target: the digests it has at both sides, and the sync that set them.

    target_digest: empty for a tag that was skipped. scope: of the settings that say what a tag needs at the target.
    """

    mirror = models.ForeignKey("mirrors.Mirror", on_delete=models.CASCADE, related_name="tags")
    tag = models.CharField(max_length=128)
    source_digest = models.CharField(max_length=150)
    target_digest = models.CharField(max_length=150, blank=True)
    scope = models.CharField(max_length=64)
    media_type = models.CharField(max_length=255, blank=True)
    sync_id = models.BigIntegerField(help_text="The sync that last moved it; it may be forgotten by now.")

    class Meta:
        ordering = ["tag"]
        constraints = [models.UniqueConstraint(fields=["mirror", "tag"], name="one_row_per_mirrored_tag")]

    def __str__(self) -> str:
        return f"{self.tag} at {self.target_digest}"
