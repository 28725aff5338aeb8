"""Registries and repositories in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.safestring import SafeString

from mirrors.admin.bases import Inline, KeptAdmin, ModelAdmin, ServedAdmin, page_link, person
from mirrors.admin.forms import PermissionFormSet, RegistryForm
from mirrors.models import Registry, Repository, RepositoryPermission
from mirrors.services.repositories import permissions, repositories


class PermissionInline(Inline):
    """Who may do what with a repository."""

    model = RepositoryPermission
    formset = PermissionFormSet
    extra = 0
    autocomplete_fields = ("user", "robot", "team")


@admin.register(Registry)
class RegistryAdmin(ModelAdmin):
    """Target registries."""

    form = RegistryForm
    list_display = ("name", "address", "kind", "repository_prefix", "verify_tls", "max_connections", "bandwidth")
    list_filter = ("kind", "verify_tls")
    search_fields = ("name", "address")
    fieldsets = (
        (None, {"fields": ("name", "address", "kind", "repository_prefix")}),
        ("Account", {"fields": ("username", "password")}),
        ("TLS", {"fields": ("verify_tls", "ca_certificate", "client_certificate", "lends_client_certificate")}),
        ("Proxies", {"fields": ("http_proxy", "https_proxy", "no_proxy")}),
        ("Limits", {"fields": ("max_connections", "bandwidth")}),
    )


@admin.register(Repository)
class RepositoryAdmin(KeptAdmin, ServedAdmin):
    """Repositories. Their state follows from their mirror."""

    list_display = ("__str__", "state", "visibility", "page", "created_at")
    list_filter = ("state", "visibility")
    list_select_related = ("namespace",)
    search_fields = ("namespace__name", "name")
    autocomplete_fields = ("namespace",)
    fields = ("namespace", "name", "visibility", "description", "state", "page")
    inlines = (PermissionInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """The name is where the content is."""
        return ("namespace", "name", "state", "page") if obj else ("state", "page")

    @admin.display(description="page")
    def page(self, repository: Repository) -> SafeString | str:
        """A link to its page."""
        return page_link(repository) if repository.pk else "–"

    def save_model(self, request: HttpRequest, obj: Repository, form: Any, change: bool) -> None:
        """Make it, or save what was changed, by the rules of the API."""
        if not change:
            made = repositories.create_repository(
                obj.namespace, obj.name, by=person(request), visibility=obj.visibility, description=obj.description
            )
            obj.pk, obj._state.adding = made.pk, False
            return
        if "visibility" in form.changed_data:
            repositories.change_visibility(obj, obj.visibility)
        if "description" in form.changed_data:
            repositories.describe(obj, obj.description)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Take rights away, then give them: a right may pass from one account to another in one go."""
        repository = form.instance
        formset.save(commit=False)
        changed = [permission for permission, _ in formset.changed_objects]
        gone = [permission.pk for permission in (*formset.deleted_objects, *changed)]
        held = [permissions.holder_of(permission) for permission in RepositoryPermission.objects.filter(pk__in=gone)]
        wanted = [(permissions.holder_of(permission), permission.role) for permission in changed + formset.new_objects]
        for holder in held:
            if holder not in [each for each, _ in wanted]:
                permissions.remove_role(repository, holder)
        for holder, role in wanted:
            permissions.set_role(repository, holder, role=role)
