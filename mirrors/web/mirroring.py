"""A repository's Mirroring tab: configuration, status that follows a sync live, and history."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from mirrors.errors import AlreadyExists, AlreadySyncing, InvalidInput, NotFound, NotSyncing
from mirrors.models import Mirror, Repository, Sync
from mirrors.services.accounts import robots
from mirrors.services.mirroring import history, mirrors
from mirrors.services.mirroring.mirror_status import status_of
from mirrors.services.syncs import syncs
from mirrors.web import status as states
from mirrors.web.mirror_form import MirrorForm
from mirrors.web.pages import RepositoryView, is_fragment
from mirrors.web.repositories import page_context, tab_url

FINISHED = "mirror-finished"
"""The event at which the page fetches its history again."""


class MirroringTab(RepositoryView):
    """The tab, and its form."""

    def get(self, request: HttpRequest, **_: str) -> HttpResponse:
        """Form, status and history."""
        repository = self.find_repository(administer=True)
        return self._show(repository, MirrorForm(repository=repository, mirror=mirror_of(repository)))

    def post(self, request: HttpRequest, **_: str) -> HttpResponse:
        """Set up or change the mirror; 422 shows the form again with what was typed."""
        repository = self.find_repository(administer=True)
        form = MirrorForm(request.POST, repository=repository, mirror=mirror_of(repository))
        if form.is_valid() and save(form, repository):
            messages.success(request, "Mirror configuration saved successfully")
            return redirect(tab_url(repository, "mirroring"))
        return self._show(repository, form, status=422)

    def _show(self, repository: Repository, form: MirrorForm, *, status: int = 200) -> HttpResponse:
        context = page_context(repository, user=self.user, tab="mirroring") | {
            "form": form,
            "mirror": form.mirror,
        }
        if form.mirror:
            context |= status_context(form.mirror) | {"syncs": recent_syncs(form.mirror)}
        return render(self.request, "web/mirroring.html", context, status=status)


class MirrorView(RepositoryView):
    """A part of the tab of a repository that has a mirror."""

    def find_mirror(self) -> Mirror:
        """The mirror; raises NotFound or Forbidden for those who may not."""
        return mirrors.find_mirror(self.find_repository(administer=True))


class StatusFragment(MirrorView):
    """The status and the tags, as often as the page asks."""

    def get(self, request: HttpRequest, **_: str) -> HttpResponse:
        """The fragment; people who open its address land on the tab."""
        mirror = self.find_mirror()
        return answer_status(request, mirror) if is_fragment(request) else to_tab(mirror)


class HistoryFragment(MirrorView):
    """The newest syncs."""

    def get(self, request: HttpRequest, **_: str) -> HttpResponse:
        """The fragment."""
        mirror = self.find_mirror()
        context = {"repository": mirror.repository, "syncs": recent_syncs(mirror)}
        return render(request, "web/history.html", context) if is_fragment(request) else to_tab(mirror)


class MirrorAction(MirrorView):
    """A button of the tab. Answers with the new status, or without JavaScript with the page; both with a toast."""

    failure = ""

    def post(self, request: HttpRequest, **_: str) -> HttpResponse:
        """Do it and say so."""
        mirror = self.find_mirror()
        try:
            messages.success(request, self.act(mirror))
        except (AlreadySyncing, NotSyncing, InvalidInput) as error:
            messages.error(request, f"{self.failure}: {error.message}")
        return answer_status(request, mirror) if is_fragment(request) else to_tab(mirror)

    def act(self, mirror: Mirror) -> str:
        """Call the service; gives the words of the toast."""
        raise NotImplementedError


class SyncNow(MirrorAction):
    """The Sync Now button."""

    failure = "Error scheduling sync"

    def act(self, mirror: Mirror) -> str:
        """Queue a sync, or bring the queued one forward."""
        syncs.request_sync(mirror, by=self.user)
        return "Sync scheduled successfully"


class CancelSync(MirrorAction):
    """The Cancel button."""

    failure = "Error cancelling sync"

    def act(self, mirror: Mirror) -> str:
        """Withdraw a queued sync, stop a running one."""
        syncs.cancel_sync(mirror, by=self.user)
        return "Sync cancelled successfully"


class SetEnabled(MirrorAction):
    """The Enabled checkbox, which saves at once."""

    failure = "Error toggling mirror"

    def act(self, mirror: Mirror) -> str:
        """Switch the schedule on or off."""
        is_enabled = "is_enabled" in self.request.POST
        mirrors.change_mirror(mirror, {"is_enabled": is_enabled})
        return f"Mirror {'enabled' if is_enabled else 'disabled'} successfully"


def mirror_of(repository: Repository) -> Mirror | None:
    """The repository's mirror, or None."""
    try:
        return mirrors.find_mirror(repository)
    except NotFound:
        return None


def save(form: MirrorForm, repository: Repository) -> bool:
    """Write the form's values, and its new robot with them or not at all. False: the form says why."""
    field = ""
    try:
        with transaction.atomic():
            values = form.values()
            if name := form.cleaned_data["new_robot"]:
                field = "new_robot"
                values["robot"] = robots.create_robot(repository.namespace, name)
                field = ""
            if form.mirror:
                mirrors.change_mirror(form.mirror, values)
            else:
                mirrors.create_mirror(repository, values)
    except (InvalidInput, AlreadyExists) as error:
        form.refuse(error, field=field)
        return False
    return True


def status_context(mirror: Mirror) -> dict[str, Any]:
    """What the status fragment shows."""
    status = status_of(mirror)
    tags, more_tags = states.shown_tags(status.latest)
    return {
        "repository": mirror.repository,
        "mirror": mirror,
        "status": status,
        "activity": states.activity_of(status),
        "may_request": states.may_request(status),
        "attempts": settings.SYNC_ATTEMPTS,
        "tags": tags,
        "more_tags": more_tags,
        "refresh": states.refresh_trigger(status),
    }


def recent_syncs(mirror: Mirror) -> list[Sync]:
    """What the history shows."""
    return history.recent_syncs(mirror, limit=states.SYNCS_SHOWN)


def answer_status(request: HttpRequest, mirror: Mirror) -> HttpResponse:
    """The status fragment with the waiting toasts; tells the page when a sync has ended."""
    context = status_context(mirror)
    response = render(request, "web/status_fragment.html", context)
    if context["status"].active is None:
        response.headers["HX-Trigger"] = FINISHED
    return response


def to_tab(mirror: Mirror) -> HttpResponse:
    """Back to the tab."""
    return redirect(tab_url(mirror.repository, "mirroring"))
