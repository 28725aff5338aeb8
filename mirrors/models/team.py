"""Teams of an organization: what its people and robots may do in it."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models import Q

from mirrors.models.names import TEAM_NAME, name_validator


class Team(models.Model):
    """A named group with one role in its organization; repositories may give it roles of their own."""

    class Role(models.TextChoices):
        ADMIN = "admin", "Administers the organization and all its repositories"
        CREATOR = "creator", "May create repositories"
        MEMBER = "member", "Belongs to the organization"

    OWNERS = "owners"
    """The team that the maker of an organization starts in."""

    namespace = models.ForeignKey("mirrors.Namespace", on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=255, validators=[name_validator(TEAM_NAME), MinLengthValidator(2)])
    role = models.CharField(max_length=8, choices=Role, default=Role.MEMBER)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["namespace", "name"], name="team_name_is_unique"),
            models.CheckConstraint(condition=Q(name__regex=TEAM_NAME), name="team_name_is_well_formed"),
            models.CheckConstraint(condition=Q(role__in=["admin", "creator", "member"]), name="team_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class TeamMember(models.Model):
    """A user or a robot in a team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="team_memberships"
    )
    robot = models.ForeignKey(
        "mirrors.Robot", on_delete=models.CASCADE, null=True, blank=True, related_name="team_memberships"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "user"],
                condition=Q(user__isnull=False),
                name="a_user_is_in_a_team_once",
                violation_error_message="This user is in the team already.",
            ),
            models.UniqueConstraint(
                fields=["team", "robot"],
                condition=Q(robot__isnull=False),
                name="a_robot_is_in_a_team_once",
                violation_error_message="This robot is in the team already.",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False, robot__isnull=True) | Q(user__isnull=True, robot__isnull=False),
                name="team_member_is_a_user_or_a_robot",
                violation_error_message="Choose a user or a robot, and not both.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.robot} in {self.team}"
