"""One tag per component: each renders the template of its name in `templates/web/components/`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message
from django.core.paginator import Page
from django.forms import BoundField
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mirrors.models import Sync, TagCopy
from mirrors.models.sync import Status
from mirrors.oci.display import human_size
from mirrors.services.mirroring.mirror_status import MirrorStatus
from mirrors.web import status as states
from mirrors.web import words

register = template.Library()
COMPONENTS = "web/components"

TOASTS = {
    "success": "check-circle",
    "danger": "exclamation-circle",
    "warning": "exclamation-triangle",
    "info": "info-circle",
}

register.filter("size", human_size)
register.filter("short_digest", words.short_digest)
register.filter("counts", states.counts_of)
register.filter("referrers", states.referrers_of)
register.filter("trigger", states.trigger_of)
register.filter("speed", states.speed_of)
register.filter("is_late", states.is_late)


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """A Font Awesome icon, hidden from screen readers: the text beside it says it all."""
    return format_html('<i class="fas fa-{} {}" aria-hidden="true"></i>', name, classes)


@register.inclusion_tag(f"{COMPONENTS}/moment.html")
def moment(value: datetime | None, otherwise: str = "Never") -> dict[str, Any]:
    """A time, exact in UTC and relative to now."""
    if value is None:
        return {"otherwise": otherwise}
    return {"value": value, "exact": words.exact_time(value), "relative": words.relative_time(value)}


@register.filter
def duration_of(sync: Sync) -> str:
    """How long a sync took, or has been running."""
    if sync.started_at is None:
        return ""
    return words.duration((sync.finished_at or timezone.now()) - sync.started_at)


@register.filter
def seconds(value: float) -> str:
    """A number of seconds in words."""
    return words.duration(timedelta(seconds=value))


@register.filter
def source_limit(sync: Sync | None) -> str:
    """What the source last said of its limit: `76 of 100 requests left, counted over 6 h for 203.0.113.7`."""
    if sync is None or not sync.rate_limit:
        return ""
    said = sync.rate_limit
    of_limit = f" of {said['limit']}" if said.get("limit") is not None else ""
    over = f" over {words.duration(timedelta(seconds=said['window']))}" if said.get("window") else ""
    whose = f" for {said['source']}" if said.get("source") else ""
    return f"{said['remaining']}{of_limit} requests left" + (f", counted{over}{whose}" if over or whose else "")


@register.inclusion_tag(f"{COMPONENTS}/label.html")
def status_label(status: MirrorStatus) -> dict[str, Any]:
    """A mirror's state: label, icon and words."""
    return {"badge": states.badge_of(status)}


@register.inclusion_tag(f"{COMPONENTS}/label.html")
def sync_label(sync: Sync) -> dict[str, Any]:
    """A sync's state."""
    return {"badge": states.SYNC_BADGES[Status(sync.status)]}


@register.inclusion_tag(f"{COMPONENTS}/label.html")
def tag_label(copy: TagCopy) -> dict[str, Any]:
    """A tag's outcome."""
    return {"badge": states.TAG_BADGES[TagCopy.Action(copy.action)]}


@register.inclusion_tag(f"{COMPONENTS}/label.html")
def label(text: str, colour: str = "", icon: str = "") -> dict[str, Any]:
    """Any other label."""
    return {"badge": states.Badge(text, colour, icon)}


@register.inclusion_tag(f"{COMPONENTS}/progress.html")
def progress(sync: Sync) -> dict[str, Any]:
    """A running sync's progress bar with its counts; without a maximum while the tags are being listed."""
    return {"sync": sync, "done": states.tags_done(sync), "total": sync.tags_total}


@register.inclusion_tag(f"{COMPONENTS}/field.html")
def form_field(field: BoundField) -> dict[str, Any]:
    """A form field with label, control, hint and errors."""
    return {"field": field, "kind": field.widget_type, "is_required": field.field.widget.attrs.get("aria-required")}


@register.inclusion_tag(f"{COMPONENTS}/control.html")
def form_control(field: BoundField) -> dict[str, Any]:
    """The bare control of a text field or select, for input groups."""
    return {"field": field, "kind": field.widget_type}


@register.inclusion_tag(f"{COMPONENTS}/field_notes.html")
def field_notes(*fields: BoundField) -> dict[str, Any]:
    """Hints and errors of the controls of one group."""
    return {"fields": fields}


@register.inclusion_tag(f"{COMPONENTS}/toast.html")
def toast(message: Message) -> dict[str, Any]:
    """A message; errors stay until they are closed."""
    kind = "danger" if message.level_tag == "error" else message.level_tag
    return {"message": message, "kind": kind, "icon": TOASTS.get(kind, "info-circle")}


@register.inclusion_tag(f"{COMPONENTS}/toast.html")
def failure_toast() -> dict[str, Any]:
    """What `app.js` shows when a button got no proper answer."""
    text = "The server did not answer as expected. Reload the page and try again."
    return {"message": text, "kind": "danger", "icon": TOASTS["danger"]}


@register.inclusion_tag(f"{COMPONENTS}/pagination.html", takes_context=True)
def pagination(context: template.Context, page: Page[Any]) -> dict[str, Any]:
    """Where in a list one is, and the ways on; keeps the other parts of the query."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    query.pop("page", None)
    return {"page": page, "query": f"{query.urlencode()}&" if query else ""}


@register.inclusion_tag(f"{COMPONENTS}/empty_state.html")
def empty_state(icon: str, title: str, body: str, url: str = "", action: str = "") -> dict[str, Any]:
    """What to say where there is nothing: why, and what to do first."""
    return {"icon": icon, "title": title, "body": body, "url": url, "action": action}


@register.inclusion_tag(f"{COMPONENTS}/copyable.html")
def copyable(text: str, name: str) -> dict[str, Any]:
    """A command to copy; `name` says what it is."""
    return {"text": text, "name": name}
