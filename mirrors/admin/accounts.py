"""People, organizations, robots and tokens in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from mirrors.admin.bases import AccountAdmin, DeletableAdmin, Inline, KeptAdmin, ModelAdmin, person
from mirrors.admin.forms import NamespaceForm
from mirrors.models import AccessToken, Namespace, Robot, Team, TeamMember, User


class TeamInline(Inline):
    """The teams of an organization."""

    model = Team
    extra = 0
    fields = ("name", "role", "description")
    show_change_link = True


class TeamMemberInline(Inline):
    """Who is in a team."""

    model = TeamMember
    extra = 0
    autocomplete_fields = ("user", "robot")


@admin.register(Team)
class TeamAdmin(DeletableAdmin):
    """Teams and who is in them."""

    list_display = ("__str__", "role", "description")
    list_filter = ("role",)
    list_select_related = ("namespace",)
    search_fields = ("namespace__name", "name")
    autocomplete_fields = ("namespace",)
    inlines = (TeamMemberInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """A team stays in its organization."""
        return ("namespace",) if obj else ()


@admin.register(User)
class PersonAdmin(AccountAdmin, KeptAdmin):
    """People. Switch off `active` in place of deleting."""

    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """The name is also that of the person's namespace; powers are a superuser's to give."""
        powers = () if person(request).is_superuser else ("is_staff", "is_superuser", "groups", "user_permissions")
        return (("username",) if obj else ()) + powers

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """As the account's permissions say; a superuser, password included, is changed by superusers alone."""
        is_above = obj is not None and obj.is_superuser and not person(request).is_superuser
        return super().has_change_permission(request, obj) and not is_above


@admin.register(Namespace)
class NamespaceAdmin(KeptAdmin):
    """Organizations, and people's own spaces."""

    list_display = ("name", "kind", "user", "email", "target_registry", "created_at")
    list_filter = ("kind", "target_registry")
    list_select_related = ("user", "target_registry")
    search_fields = ("name", "email")
    form = NamespaceForm
    fields = ("name", "kind", "email", "target_registry", "signature_policy")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """New ones are organizations; a name in use is part of addresses and of stored content."""
        return ("name", "kind") if obj else ("kind",)

    def get_inlines(self, request: HttpRequest, obj: Namespace | None) -> list[Any]:
        """A person's own space has no members."""
        return [] if obj and obj.kind == Namespace.Kind.USER else [TeamInline]


@admin.register(Robot)
class RobotAdmin(ModelAdmin):
    """Robots. Tokens are made by the server and never shown here."""

    list_display = ("__str__", "description", "created_at", "last_accessed_at")
    list_select_related = ("namespace",)
    search_fields = ("namespace__name", "name", "description")
    autocomplete_fields = ("namespace",)
    fields = ("namespace", "name", "description", "created_at", "last_accessed_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """The name is what it signs in with."""
        return (("namespace", "name") if obj else ()) + ("created_at", "last_accessed_at")


@admin.register(AccessToken)
class AccessTokenAdmin(DeletableAdmin):
    """API tokens: deleting one revokes it. Their text is nowhere, and their hash is not shown."""

    list_display = ("name", "user", "scopes", "created_at", "expires_at", "last_used_at")
    list_filter = ("user",)
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    exclude = ("token_hash",)
