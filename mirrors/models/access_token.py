"""Tokens for the REST API."""

from __future__ import annotations

import hashlib
import secrets

from django.conf import settings
from django.db import models
from django.utils import timezone


class AccessToken(models.Model):
    """A bearer token of one user. Only its hash is kept: the text is shown once, when it is issued."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_tokens")
    application = models.ForeignKey(
        "mirrors.Application", on_delete=models.CASCADE, null=True, blank=True, related_name="access_tokens"
    )
    name = models.CharField(max_length=100, help_text="What it is for.")
    scopes = models.CharField(max_length=200, help_text="Space-separated, for example: repo:admin org:admin.")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"

    @staticmethod
    def hash_of(token: str) -> str:
        """SHA-256 in hex: the tokens are random and long, so a slow hash would protect nothing more."""
        return hashlib.sha256(token.encode()).hexdigest()

    @staticmethod
    def new_text() -> str:
        """40 random characters from the URL-safe alphabet."""
        return secrets.token_urlsafe(30)

    @property
    def is_valid(self) -> bool:
        """Not expired, and its user may sign in."""
        return self.user.is_active and (self.expires_at is None or self.expires_at > timezone.now())

    @property
    def scope_set(self) -> frozenset[str]:
        """The scopes as a set."""
        return frozenset(self.scopes.split())
