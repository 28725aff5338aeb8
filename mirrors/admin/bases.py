"""What the admin's pages have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mirrors.models import Repository, User

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[Any, Any]
    AccountAdmin = UserAdmin[User]
else:  # Django's classes take no type arguments when they run
    ModelAdmin, Inline, AccountAdmin = admin.ModelAdmin, admin.TabularInline, UserAdmin


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


class DeletableAdmin(ReadOnlyAdmin):
    """To look at, and to delete."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """As the account's permissions say."""
        return super(ReadOnlyAdmin, self).has_delete_permission(request, obj)


class KeptAdmin(ModelAdmin):
    """Deleting these here would take repositories, mirrors and history along, and leave their content behind."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


def person(request: HttpRequest) -> User:
    """Who is signed in; the admin lets nobody else in."""
    return cast(User, request.user)


def page_link(repository: Repository) -> SafeString:
    """A link to the repository's Mirroring tab."""
    url = reverse("web:repository", args=(repository.namespace.name, repository.name))
    return format_html('<a href="{}?tab=mirroring">{}</a>', url, repository.full_name)
