"""Namespaces: organizations and users' own spaces."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models import Q

from mirrors.models.names import NAMESPACE_NAME, name_validator


class Namespace(models.Model):
    """An organization, or a user's own space; owns repositories and robots."""

    class Kind(models.TextChoices):
        ORGANIZATION = "organization"
        USER = "user"

    name = models.CharField(
        max_length=255, unique=True, validators=[name_validator(NAMESPACE_NAME), MinLengthValidator(2)]
    )
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.ORGANIZATION)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True)
    email = models.EmailField(blank=True)
    target_registry = models.ForeignKey(
        "mirrors.Registry",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="namespaces",
        help_text="Where this namespace's repositories are kept. Empty: the built-in store.",
    )
    signature_policy = models.JSONField(
        null=True,
        blank=True,
        help_text="Which signatures images need, in the words of containers-policy.json. Empty: none are looked at.",
    )
    tag_expiration_seconds = models.PositiveBigIntegerField(null=True, blank=True)
    invoice_email = models.BooleanField(default=False)
    invoice_email_address = models.EmailField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(name__regex=NAMESPACE_NAME), name="namespace_name_is_well_formed"),
            models.CheckConstraint(
                condition=Q(kind="user", user__isnull=False) | Q(kind="organization", user__isnull=True),
                name="only_a_users_space_has_a_user",
            ),
        ]

    def __str__(self) -> str:
        return self.name
