"""The Django admin: every model to look at; a change by hand only where no service has a rule about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mirrors.admin_forms import NamespaceForm, PermissionFormSet, RegistryForm
from mirrors.errors import Forbidden, MirrorError
from mirrors.models import (
    AccessToken,
    Membership,
    Mirror,
    Namespace,
    Registry,
    Repository,
    RepositoryPermission,
    Robot,
    Sync,
    TagCopy,
    User,
)
from mirrors.services import access, mirrors, syncs

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[Any, Any]
    AccountAdmin = UserAdmin[User]
else:  # Django's classes take no type arguments when they run
    ModelAdmin, Inline, AccountAdmin = admin.ModelAdmin, admin.TabularInline, UserAdmin

admin.site.site_header = "Mirrorfarm administration"
admin.site.site_title = "Mirrorfarm"
admin.site.index_title = "Administration"


class ReadOnlyAdmin(ModelAdmin):
    """To look at: the services write these."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


class KeptAdmin(ModelAdmin):
    """Deleting these here would take repositories, mirrors and history along, and leave their content behind."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


class MembershipInline(Inline):
    """Who belongs to an organization."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


class PermissionInline(Inline):
    """Who may do what with a repository."""

    model = RepositoryPermission
    formset = PermissionFormSet
    extra = 0
    autocomplete_fields = ("user", "robot")


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
        return [] if obj and obj.kind == Namespace.Kind.USER else [MembershipInline]


@admin.register(Registry)
class RegistryAdmin(ModelAdmin):
    """Target registries."""

    form = RegistryForm
    list_display = ("name", "address", "kind", "repository_prefix", "verify_tls", "max_connections", "bandwidth")
    list_filter = ("kind", "verify_tls")
    search_fields = ("name", "address")


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


@admin.register(Mirror)
class MirrorAdmin(ReadOnlyAdmin):
    """Mirrors, to find and to act on many at once; each is changed on its page."""

    list_display = ("repository", "source_reference", "is_enabled", "next_sync_at", "sync_interval", "robot", "page")
    list_filter = ("is_enabled", "verify_tls")
    list_select_related = ("repository__namespace", "robot__namespace")
    search_fields = ("repository__namespace__name", "repository__name", "source_reference")
    date_hierarchy = "next_sync_at"
    actions = ("sync_now", "cancel", "enable", "disable")
    fields = (
        "page",
        "repository",
        "source_reference",
        "tag_patterns",
        "platforms",
        "index_mode",
        "copies_referrers",
        "copies_foreign_layers",
        "is_enabled",
        "starts_at",
        "next_sync_at",
        "sync_interval",
        "timeout_seconds",
        "robot",
        "verify_tls",
        "unsigned_images",
        "has_credentials",
        "has_proxies",
        "no_proxy",
        "created_at",
        "updated_at",
    )

    @admin.display(description="change it")
    def page(self, mirror: Mirror) -> SafeString:
        """A link to its page."""
        return page_link(mirror.repository)

    @admin.display(boolean=True)
    def has_credentials(self, mirror: Mirror) -> bool:
        """Whether credentials are stored; what they are is not shown."""
        return mirror.source_username_ciphertext is not None

    @admin.display(boolean=True)
    def has_proxies(self, mirror: Mirror) -> bool:
        """Whether a proxy is set."""
        return mirror.http_proxy_ciphertext is not None or mirror.https_proxy_ciphertext is not None

    @admin.action(description="Sync the selected mirrors now", permissions=["view"])
    def sync_now(self, request: HttpRequest, selected: QuerySet[Mirror]) -> None:
        """Request a sync of each."""
        self._each(request, selected, lambda mirror: syncs.request_sync(mirror, by=person(request)))

    @admin.action(description="Cancel the syncs of the selected mirrors", permissions=["view"])
    def cancel(self, request: HttpRequest, selected: QuerySet[Mirror]) -> None:
        """Cancel each."""
        self._each(request, selected, lambda mirror: syncs.cancel_sync(mirror, by=person(request)))

    @admin.action(description="Enable the selected mirrors", permissions=["view"])
    def enable(self, request: HttpRequest, selected: QuerySet[Mirror]) -> None:
        """Switch their schedules on."""
        self._each(request, selected, lambda mirror: mirrors.change_mirror(mirror, {"is_enabled": True}))

    @admin.action(description="Disable the selected mirrors", permissions=["view"])
    def disable(self, request: HttpRequest, selected: QuerySet[Mirror]) -> None:
        """Switch their schedules off."""
        self._each(request, selected, lambda mirror: mirrors.change_mirror(mirror, {"is_enabled": False}))

    def _each(self, request: HttpRequest, selected: QuerySet[Mirror], act: Callable[[Mirror], object]) -> None:
        done = 0
        for mirror in selected.select_related("repository__namespace", "robot__namespace"):
            try:
                if not access.may_administer(person(request), mirror.repository):
                    raise Forbidden(f"You need to administer {mirror.repository} for that.")
                act(mirror)
                done += 1
            except MirrorError as error:
                messages.warning(request, f"Not done for {mirror.repository}: {error.message}")
        if done:
            messages.success(request, f"Done for {done} mirror{'' if done == 1 else 's'}.")


@admin.register(Sync)
class SyncAdmin(ReadOnlyAdmin):
    """Syncs. Only their workers and the sweep move them."""

    list_display = ("id", "mirror", "status", "trigger", "attempt", "started_at", "finished_at", "worker", "error_code")
    list_filter = ("status", "trigger", "error_code", "error_side")
    list_select_related = ("mirror__repository__namespace",)
    search_fields = ("=id", "mirror__repository__namespace__name", "mirror__repository__name", "worker", "message")
    date_hierarchy = "created_at"


@admin.register(TagCopy)
class TagCopyAdmin(ReadOnlyAdmin):
    """What became of each tag."""

    list_display = ("tag", "action", "sync", "bytes_copied", "seconds", "error_code", "recorded_at")
    list_filter = ("action", "error_code")
    list_select_related = ("sync",)
    search_fields = ("=sync__id", "tag", "source_digest", "target_digest", "message")
    show_full_result_count = False  # the largest table of the farm


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    """API tokens: deleting one revokes it. Their text is nowhere, and their hash is not shown."""

    list_display = ("name", "user", "scopes", "created_at", "expires_at", "last_used_at")
    list_filter = ("user",)
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    exclude = ("token_hash",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """As the account's permissions say."""
        return super(ReadOnlyAdmin, self).has_delete_permission(request, obj)


def person(request: HttpRequest) -> User:
    """Who is signed in; the admin lets nobody else in."""
    return cast(User, request.user)


def page_link(repository: Repository) -> SafeString:
    """A link to the repository's Mirroring tab."""
    url = reverse("web:repository", args=(repository.namespace.name, repository.name))
    return format_html('<a href="{}?tab=mirroring">{}</a>', url, repository.full_name)
