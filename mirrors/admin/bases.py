"""What the admin's pages have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mirrors.errors import MirrorError
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


class ServedAdmin(ModelAdmin):
    """Pages that save through services: what those refuse is shown in their words, and nothing is changed."""

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        """The form of one row."""
        return self._or_refusal(request, super().changeform_view, *args, **options)

    def delete_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        """The question whether to delete it."""
        return self._or_refusal(request, super().delete_view, *args, **options)

    def changelist_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        """The list, with its actions: all of what was selected, or nothing."""
        return self._or_refusal(request, super().changelist_view, *args, **options)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Each as one alone."""
        for row in queryset:
            self.delete_model(request, row)

    def _or_refusal(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *args: Any, **options: Any
    ) -> HttpResponse:
        try:
            return view(request, *args, **options)
        except MirrorError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(request.get_full_path())


def person(request: HttpRequest) -> User:
    """Who is signed in; the admin lets nobody else in."""
    return cast(User, request.user)


def page_link(repository: Repository) -> SafeString:
    """A link to the repository's Mirroring tab."""
    url = reverse("web:repository", args=(repository.namespace.name, repository.name))
    return format_html('<a href="{}?tab=mirroring">{}</a>', url, repository.full_name)
