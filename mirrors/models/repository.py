"""Repositories and the rights on them."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from mirrors.models.names import LONGEST_FULL_NAME, REPOSITORY_NAME, name_validator


class Repository(models.Model):
    """`namespace/name` at the target registry."""

    class State(models.TextChoices):
        NORMAL = "NORMAL", "Normal: everyone with the right may change it"
        READ_ONLY = "READ_ONLY", "Read only: nobody may change it"
        MIRROR = "MIRROR", "Mirror: only its robot may change it"
        ORG_MIRROR = "ORG_MIRROR", "Organization mirror: only the organization's mirroring may change it"

    class Visibility(models.TextChoices):
        PUBLIC = "public"
        PRIVATE = "private"

    namespace = models.ForeignKey("mirrors.Namespace", on_delete=models.CASCADE, related_name="repositories")
    name = models.CharField(max_length=255, validators=[name_validator(REPOSITORY_NAME)])
    description = models.TextField(blank=True)
    visibility = models.CharField(max_length=7, choices=Visibility, default=Visibility.PRIVATE)
    state = models.CharField(max_length=10, choices=State, default=State.NORMAL, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "repositories"
        ordering = ["namespace__name", "name"]
        constraints = [
            models.UniqueConstraint(fields=["namespace", "name"], name="repository_name_is_unique"),
            models.CheckConstraint(condition=Q(name__regex=REPOSITORY_NAME), name="repository_name_is_well_formed"),
            models.CheckConstraint(
                condition=Q(state__in=["NORMAL", "READ_ONLY", "MIRROR", "ORG_MIRROR"]),
                name="repository_state_is_known",
            ),
            models.CheckConstraint(condition=Q(visibility__in=["public", "private"]), name="visibility_is_known"),
        ]

    def __str__(self) -> str:
        return self.full_name

    def clean(self) -> None:
        """Check what no field can know by itself: the length of both names together."""
        if self.namespace_id and len(self.full_name) > LONGEST_FULL_NAME:
            text = f"{self.namespace}/name may have {LONGEST_FULL_NAME} characters at most: shorten the name."
            raise ValidationError({"name": text})

    @property
    def full_name(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace.name}/{self.name}"

    @property
    def is_public(self) -> bool:
        """Whether anyone may pull."""
        return self.visibility == self.Visibility.PUBLIC


class RepositoryPermission(models.Model):
    """What one user, robot or team may do with one repository."""

    class Role(models.TextChoices):
        READ = "read"
        WRITE = "write"
        ADMIN = "admin"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="permissions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True)
    robot = models.ForeignKey("mirrors.Robot", on_delete=models.CASCADE, null=True, blank=True)
    team = models.ForeignKey(
        "mirrors.Team", on_delete=models.CASCADE, null=True, blank=True, related_name="permissions"
    )
    role = models.CharField(max_length=5, choices=Role, default=Role.READ)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "user"], condition=Q(user__isnull=False), name="one_role_per_user"
            ),
            models.UniqueConstraint(
                fields=["repository", "robot"], condition=Q(robot__isnull=False), name="one_role_per_robot"
            ),
            models.UniqueConstraint(
                fields=["repository", "team"], condition=Q(team__isnull=False), name="one_role_per_team"
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False, robot__isnull=True, team__isnull=True)
                | Q(user__isnull=True, robot__isnull=False, team__isnull=True)
                | Q(user__isnull=True, robot__isnull=True, team__isnull=False),
                name="permission_is_for_one_account",
            ),
            models.CheckConstraint(condition=Q(role__in=["read", "write", "admin"]), name="repository_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.robot or self.team} on {self.repository}: {self.role}"
