"""Teams in the admin: made, changed and deleted by the same rules as over the API."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest

from mirrors.admin.bases import Inline, ServedAdmin
from mirrors.admin.forms import TeamForm, TeamMemberFormSet
from mirrors.models import Namespace, Team, TeamMember
from mirrors.services.accounts import teams


class TeamMemberInline(Inline):
    """Who is in a team: put in and taken out, never changed into somebody else."""

    model = TeamMember
    formset = TeamMemberFormSet
    extra = 0
    autocomplete_fields = ("user", "robot")
    verbose_name = "member"

    def get_queryset(self, request: HttpRequest) -> QuerySet[TeamMember]:
        """With their names."""
        return super().get_queryset(request).select_related("user", "robot__namespace", "team__namespace")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


@admin.register(Team)
class TeamAdmin(ServedAdmin):
    """Teams and who is in them."""

    form = TeamForm
    list_display = ("__str__", "role", "description", "member_count")
    list_filter = ("role",)
    list_select_related = ("namespace",)
    search_fields = ("namespace__name", "name", "description", "members__user__username", "members__robot__name")
    autocomplete_fields = ("namespace",)
    fields = ("namespace", "name", "role", "description")
    inlines = (TeamMemberInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        """With the number of members."""
        found: QuerySet[Team] = super().get_queryset(request)
        return found.annotate(members_counted=Count("members", distinct=True))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """A team stays in its organization, and keeps the name that addresses and permissions say."""
        return ("namespace", "name") if obj else ()

    @admin.display(description="members", ordering="members_counted")
    def member_count(self, team: Any) -> int:
        """How many are in it."""
        counted: int = team.members_counted
        return counted

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        """Make it, or set its role and description."""
        made, _ = teams.set_team(obj.namespace, obj.name, role=obj.role, description=obj.description)
        obj.pk = made.pk
        obj._state.adding = False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Newcomers first: one administrator may take the place of another in one go."""
        team = form.instance
        formset.save(commit=False)
        for member in formset.new_objects:
            teams.add_member(team, teams.name_of(member))
        # The form has emptied the rows that it shows and does not let anybody change.
        removed = TeamMember.objects.select_related("user", "robot__namespace").filter(
            pk__in=[member.pk for member in formset.deleted_objects]
        )
        for member in removed:
            teams.remove_member(team, teams.name_of(member))

    def delete_model(self, request: HttpRequest, obj: Team) -> None:
        """Remove it with the roles that it gives."""
        teams.delete_team(obj)


class TeamInline(Inline):
    """The teams of an organization, to look at; each is changed on its page."""

    model = Team
    extra = 0
    fields = ("name", "role", "description")
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Namespace | None = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Namespace | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Namespace | None = None) -> bool:
        """Never."""
        return False
