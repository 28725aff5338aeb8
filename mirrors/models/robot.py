"""Robots: accounts for machines."""

from __future__ import annotations

import secrets
import string
from typing import Any

from django.db import models
from django.db.models import Q

from mirrors.models.encryption import CiphertextField, plain_text_of
from mirrors.models.names import ROBOT_NAME, name_validator

TOKEN_LENGTH = 64
TOKEN_ALPHABET = string.ascii_uppercase + string.digits


class Robot(models.Model):
    """`namespace+name` with a token: the only account that writes to a mirrored repository."""

    namespace = models.ForeignKey("mirrors.Namespace", on_delete=models.CASCADE, related_name="robots")
    name = models.CharField(max_length=254, validators=[name_validator(ROBOT_NAME)])
    description = models.CharField(max_length=255, blank=True)
    unstructured_metadata = models.JSONField(default=dict, blank=True)
    federations = models.JSONField(default=list, blank=True, help_text="A list of {issuer, subject}.")
    token_ciphertext = CiphertextField()
    token = plain_text_of("token_ciphertext")
    created_at = models.DateTimeField(auto_now_add=True)
    last_accessed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["namespace__name", "name"]
        constraints = [
            models.UniqueConstraint(fields=["namespace", "name"], name="robot_name_is_unique"),
            models.CheckConstraint(condition=Q(name__regex=ROBOT_NAME), name="robot_name_is_well_formed"),
        ]

    def __str__(self) -> str:
        return self.full_name

    def save(self, *args: Any, **options: Any) -> None:
        """Save; a new robot gets its token."""
        if self.token_ciphertext is None:
            self.regenerate_token()
        super().save(*args, **options)

    @property
    def full_name(self) -> str:
        """`namespace+name`, the user name it signs in with."""
        return f"{self.namespace.name}+{self.name}"

    def regenerate_token(self) -> None:
        """Give the robot a new random token; save it yourself."""
        self.token = "".join(secrets.choice(TOKEN_ALPHABET) for _ in range(TOKEN_LENGTH))
