"""People."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from mirrors.models.names import NAMESPACE_NAME, name_validator

NAME_OF_AN_ORGANIZATION = "An organization with that name exists. Choose another name."


class User(AbstractUser):
    """A person who signs in. Each owns the namespace of the same name, so user names follow the namespace grammar."""

    username = models.CharField(
        max_length=255,
        unique=True,
        validators=[name_validator(NAMESPACE_NAME)],
        help_text="2 to 255 lower-case letters, digits, and single . _ - between them.",
        error_messages={"unique": "A user with that name exists."},
    )

    is_readonly_superuser = models.BooleanField(
        "read-only superuser status", default=False, help_text="Sees everything, and changes only what is their own."
    )
    openid_subject = models.CharField(
        "OpenID subject",
        max_length=255,
        unique=True,
        null=True,
        blank=True,
        default=None,
        help_text="Who this is at the OpenID provider (`sub`). Empty: signs in with a password alone.",
    )
    starred = models.ManyToManyField("mirrors.Repository", related_name="starred_by", blank=True)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(username__regex=NAMESPACE_NAME), name="user_name_is_a_namespace_name"
            )
        ]

    def clean(self) -> None:
        """Refuse the name of an organization: the user's own namespace could not have it."""
        from mirrors.models.namespace import Namespace

        super().clean()
        taken = Namespace.objects.filter(name=self.username).first()
        if taken and (taken.user_id is None or taken.user_id != self.pk):
            raise ValidationError({"username": NAME_OF_AN_ORGANIZATION})

    @transaction.atomic
    def save(self, *args: Any, **options: Any) -> None:
        """Save, and see to it that the user's own namespace exists; ValidationError where an organization has the name.

        `manage.py createsuperuser` asks no `clean` before it saves, and shows this error in its words.
        """
        from mirrors.models.namespace import Namespace

        super().save(*args, **options)
        space = {"name": self.username, "kind": Namespace.Kind.USER}
        try:
            Namespace.objects.get_or_create(user=self, defaults=space)
        except IntegrityError as error:
            raise ValidationError({"username": NAME_OF_AN_ORGANIZATION}) from error
