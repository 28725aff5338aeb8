"""The configuration of one repository's mirroring. What a run does stands in `sync.py`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from mirrors.models.encryption import CiphertextField, plain_text_of
from mirrors.oci import IndexMode

ARCHITECTURES = ("amd64", "arm64", "ppc64le", "s390x")
"""What Quay's filter knows."""

MINIMUM_TIMEOUT = 300
INDEX_MODE_WORDS = {
    IndexMode.SPARSE: "Kept, with its digest",
    IndexMode.REWRITTEN: "Rewritten for these platforms",
}
DEFAULT_INTERVAL = 24 * 3600


def architectures_of(platforms: list[str]) -> list[str]:
    """The architectures of these platforms, as far as Quay knows them, order kept."""
    parts = dict.fromkeys(part for platform in platforms for part in platform.split("/")[:2])
    return [part for part in parts if part in ARCHITECTURES]


def index_modes() -> list[tuple[str, str]]:
    """What becomes of an index when only some of its platforms are wanted, as choices."""
    return [(mode.value, words) for mode, words in INDEX_MODE_WORDS.items()]


class Mirror(models.Model):
    """Keep this repository like that source repository: these tags, this often.

    starts_at fixes the phase of the schedule, next_sync_at is when the next sync is due; a null next_sync_at is never.
    Null in verify_tls, unsigned_images and the proxies means that nobody has said; see `wants_tls_verified`.
    """

    repository = models.OneToOneField("mirrors.Repository", on_delete=models.CASCADE, related_name="mirror")
    is_enabled = models.BooleanField(default=True, help_text="Off: no scheduled syncs. Sync Now still works.")
    source_reference = models.CharField(max_length=1024, help_text="registry[:port]/path, without scheme and tag")
    source_username_ciphertext = CiphertextField()
    source_password_ciphertext = CiphertextField()
    source_username = plain_text_of("source_username_ciphertext")
    source_password = plain_text_of("source_password_ciphertext")
    verify_tls = models.BooleanField(null=True, blank=True)
    unsigned_images = models.BooleanField(null=True, blank=True)
    http_proxy_ciphertext = CiphertextField()
    https_proxy_ciphertext = CiphertextField()
    http_proxy = plain_text_of("http_proxy_ciphertext")
    https_proxy = plain_text_of("https_proxy_ciphertext")
    no_proxy = models.CharField(max_length=1000, null=True, blank=True)  # noqa: DJ001 - null: not given, "" is a value
    registry_config_keys = models.JSONField(
        default=list, blank=True, help_text="What was given of external_registry_config: proxy, proxy.no_proxy, …"
    )
    tag_patterns = models.JSONField(help_text="A list of globs: * ? [seq] [!seq].")
    platforms = models.JSONField(
        default=list, blank=True, help_text="amd64, linux/arm64, linux/arm/v7: only these; empty: all."
    )
    index_mode = models.CharField(max_length=9, choices=index_modes, default=IndexMode.SPARSE.value)
    copies_referrers = models.BooleanField(
        default=True, help_text="Signatures, attestations and all else that refers to an image come along with it."
    )
    copies_foreign_layers = models.BooleanField(
        default=False, help_text="Copy layers too that their licence keeps at their own address."
    )
    sync_interval = models.PositiveIntegerField(default=DEFAULT_INTERVAL, help_text="Seconds.")
    starts_at = models.DateTimeField(default=timezone.now)
    next_sync_at = models.DateTimeField(null=True, blank=True, default=timezone.now, db_index=True)
    robot = models.ForeignKey("mirrors.Robot", on_delete=models.RESTRICT, related_name="mirrors")
    timeout_seconds = models.PositiveIntegerField(default=MINIMUM_TIMEOUT, help_text="Per tag, 300 or more.")
    kept_tags = models.JSONField(
        default=list, blank=True, help_text="Tags that were restored: they stay, whether they match or not."
    )
    last_sync = models.ForeignKey(
        "mirrors.Sync",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text="The last that concluded, for questions about thousands of mirrors; each sync writes it as it ends.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(sync_interval__gte=1), name="mirror_interval_is_positive"),
            models.CheckConstraint(condition=Q(timeout_seconds__gte=MINIMUM_TIMEOUT), name="mirror_timeout_is_allowed"),
            models.CheckConstraint(condition=~Q(source_reference=""), name="mirror_has_a_source"),
            models.CheckConstraint(condition=~Q(tag_patterns=[]), name="mirror_has_a_tag_pattern"),
        ]
        indexes = [models.Index(fields=["next_sync_at"], condition=Q(is_enabled=True), name="mirror_due")]

    def __str__(self) -> str:
        return f"{self.repository} from {self.source_reference}"

    @property
    def wants_tls_verified(self) -> bool:
        """Whether HTTPS with a verified certificate is required at the source; yes unless switched off."""
        return self.verify_tls is not False

    @property
    def architectures(self) -> list[str]:
        """What Quay's API can say of the platforms."""
        return architectures_of(self.platforms)

    def next_slot(self, after: datetime) -> datetime:
        """The first time of the schedule later than `after`: starts_at plus whole intervals."""
        if self.starts_at > after:
            return self.starts_at
        elapsed = int((after - self.starts_at).total_seconds())
        return self.starts_at + timedelta(seconds=elapsed - elapsed % self.sync_interval + self.sync_interval)

    def snapshot(self) -> dict[str, Any]:
        """What a sync records of the configuration it runs with. No secrets: credentials are read when it starts."""
        return {
            "source_reference": self.source_reference,
            "tag_patterns": self.tag_patterns,
            "platforms": self.platforms,
            "index_mode": self.index_mode,
            "copies_referrers": self.copies_referrers,
            "copies_foreign_layers": self.copies_foreign_layers,
            "verify_tls": self.wants_tls_verified,
            "unsigned_images": bool(self.unsigned_images),
            "timeout_seconds": self.timeout_seconds,
            "robot": self.robot.full_name,
            "uses_proxy": bool(self.http_proxy_ciphertext or self.https_proxy_ciphertext),
        }
