"""Registries and repositories in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.safestring import SafeString

from mirrors.admin.bases import Inline, KeptAdmin, ModelAdmin, page_link
from mirrors.admin.forms import PermissionFormSet, RegistryForm
from mirrors.models import Registry, Repository, RepositoryPermission


class PermissionInline(Inline):
    """Who may do what with a repository."""

    model = RepositoryPermission
    formset = PermissionFormSet
    extra = 0
    autocomplete_fields = ("user", "robot")


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
class RepositoryAdmin(KeptAdmin):
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
