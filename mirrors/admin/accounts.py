"""People, organizations, robots, applications and tokens in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from mirrors.admin.bases import AccountAdmin, DeletableAdmin, KeptAdmin, ServedAdmin, person
from mirrors.admin.forms import NamespaceForm
from mirrors.admin.teams import TeamInline
from mirrors.models import AccessToken, Application, Namespace, Robot, User
from mirrors.services import access
from mirrors.services.accounts import applications, organizations, people, robots

POWERS = ("is_staff", "is_superuser", "is_readonly_superuser", "groups", "user_permissions", "openid_subject")
"""What only superusers give."""


@admin.register(User)
class PersonAdmin(AccountAdmin, KeptAdmin):
    """People. Switch off `active` in place of deleting."""

    list_display = (
        "username",
        "email",
        "is_active",
        "is_staff",
        "is_superuser",
        "is_readonly_superuser",
        "last_login",
    )
    list_filter = ("is_active", "is_staff", "is_superuser", "is_readonly_superuser", "groups")
    fieldsets = (
        (None, {"fields": ("username", "password", "openid_subject")}),
        ("Personal info", {"fields": ("first_name", "last_name", "email")}),
        (
            "Permissions",
            {
                "fields": (
                    "is_active",
                    "is_staff",
                    "is_superuser",
                    "is_readonly_superuser",
                    "groups",
                    "user_permissions",
                )
            },
        ),
        ("Important dates", {"fields": ("last_login", "date_joined")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """The name is also that of the person's namespace; powers are a superuser's to give."""
        return (("username",) if obj else ()) + (() if person(request).is_superuser else POWERS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """As the account's permissions say; who sees everything is changed by superusers alone, password included."""
        is_above = access.sees_everything(obj) and not person(request).is_superuser
        return super().has_change_permission(request, obj) and not is_above

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save, with an entry in the audit log for what is changed."""
        before = User.objects.get(pk=obj.pk) if change else None
        super().save_model(request, obj, form, change)
        people.record_changes(before, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """The form for a new password."""
        before = User.objects.filter(pk=id).first() if id.isdigit() else None
        response = super().user_change_password(request, id, form_url)
        if before is not None:
            people.record_changes(before, User.objects.get(pk=before.pk))
        return response


@admin.register(Namespace)
class NamespaceAdmin(KeptAdmin, ServedAdmin):
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
        """A person's own space has no teams, and neither has an organization that is not there yet."""
        return [TeamInline] if obj and obj.kind == Namespace.Kind.ORGANIZATION else []

    def save_model(self, request: HttpRequest, obj: Namespace, form: Any, change: bool) -> None:
        """Make an organization, which whoever makes it administers; or save what was changed."""
        if change:
            organizations.change_organization(Namespace.objects.get(pk=obj.pk), {"email": obj.email})
        else:
            made = organizations.create_organization(obj.name, by=person(request), email=obj.email)
            obj.pk, obj.created_at, obj._state.adding = made.pk, made.created_at, False
        super().save_model(request, obj, form, change)


@admin.register(Robot)
class RobotAdmin(ServedAdmin):
    """Robots. Tokens are made by the server and never shown here."""

    list_display = ("__str__", "description", "created_at", "last_accessed_at")
    list_select_related = ("namespace",)
    search_fields = ("namespace__name", "name", "description")
    autocomplete_fields = ("namespace",)
    fields = ("namespace", "name", "description", "created_at", "last_accessed_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """The name is what it signs in with."""
        return (("namespace", "name") if obj else ()) + ("created_at", "last_accessed_at")

    def save_model(self, request: HttpRequest, obj: Robot, form: Any, change: bool) -> None:
        """Make it with a token, or save its description."""
        if change:
            super().save_model(request, obj, form, change)
            return
        made = robots.create_robot(obj.namespace, obj.name, description=obj.description)
        obj.pk, obj._state.adding = made.pk, False

    def delete_model(self, request: HttpRequest, obj: Robot) -> None:
        """Remove it, unless a mirror uses it."""
        robots.delete_robot(obj)


@admin.register(Application)
class ApplicationAdmin(DeletableAdmin, ServedAdmin):
    """OAuth applications: made and changed over the API. Their secrets are not shown; their tokens end with them."""

    list_display = ("name", "namespace", "client_id", "redirect_uri", "created_at")
    list_select_related = ("namespace",)
    search_fields = ("name", "namespace__name", "client_id", "redirect_uri")
    fields = (
        "namespace",
        "name",
        "client_id",
        "description",
        "application_uri",
        "redirect_uri",
        "avatar_email",
        "created_at",
    )

    def delete_model(self, request: HttpRequest, obj: Application) -> None:
        """Remove it with its tokens."""
        applications.delete_application(obj)


@admin.register(AccessToken)
class AccessTokenAdmin(DeletableAdmin):
    """API tokens: deleting one revokes it. Their text is nowhere, and their hash is not shown."""

    list_display = ("name", "user", "scopes", "created_at", "expires_at", "last_used_at")
    list_filter = ("user",)
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    exclude = ("token_hash",)
