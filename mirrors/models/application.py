"""OAuth applications of an organization: in whose name access tokens are minted."""

from __future__ import annotations

import secrets
import string

from django.db import models

from mirrors.models.encryption import CiphertextField, plain_text_of

_ALPHABET = string.ascii_uppercase + string.digits


def new_client_id() -> str:
    """20 random capital letters and digits, as in Quay."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(20))


class Application(models.Model):
    """What a user grants scopes to; its tokens end with it."""

    namespace = models.ForeignKey("mirrors.Namespace", on_delete=models.CASCADE, related_name="applications")
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    application_uri = models.CharField(max_length=2000, blank=True)
    redirect_uri = models.CharField(max_length=2000, blank=True)
    avatar_email = models.CharField(max_length=255, blank=True)
    client_id = models.CharField(max_length=40, unique=True, default=new_client_id, editable=False)
    client_secret_ciphertext = CiphertextField()
    client_secret = plain_text_of("client_secret_ciphertext")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["namespace", "name"], name="application_name_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.namespace}"

    def reset_client_secret(self) -> None:
        """Give it a new random secret; save it yourself."""
        self.client_secret = secrets.token_urlsafe(30)
