"""Every call that changes something leaves an entry in the usage logs."""

from __future__ import annotations

import json
from pathlib import Path

from django.db import transaction

from mirrors.models import LogEntry
from tests.api.test_authorization import BODIES, CSRF_TOKEN, QUERIES, Call, World, calls, give_back, world

__all__ = ["world"]  # the fixture: everything that an address can name

CHANGES_NOTHING = {
    "createStar": "whom one likes to see first is nobody else's business",
    "deleteStar": "the same",
    "previewRepoMirror": "a question, kept for an hour",
    "verifyOrgMirrorConnection": "a question",
    "updateUserNotification": "one's own notice, read or not",
    "linkExternalUser": "always 404",
    "testRepoNotification": "sends sample data",
    "cancelMirrorSyncs": "in this world nothing is under way",
    "enableMirrors": "all are enabled",
    "updateOrganizationTeamMember": "who is put into the team is in it",
    "logout": "a token has no session",
}
"""Nicknames of calls that nobody will want to read of, and why."""

OTHER_BODIES = {"syncMirrorsNow": {"repositories": ["acme/app"]}}


def kinds_left_by(world: World, call: Call, caller: str) -> tuple[int, list[str]]:
    """The status, and the kinds of the entries; nothing stays of the call."""
    body = OTHER_BODIES.get(call.nickname, BODIES.get(call.nickname, call.example))
    world.client.cookies.clear()
    world.client.cookies["csrftoken"] = CSRF_TOKEN
    with transaction.atomic():
        last = LogEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        response = world.client.generic(
            call.method,
            world.address(call) + QUERIES.get(call.nickname, ""),
            json.dumps({} if body is None else body).encode(),
            content_type="application/json",
            headers=world.headers[caller] | {"X-CSRFToken": CSRF_TOKEN},
        )
        kinds = list(LogEntry.objects.filter(pk__gt=last).values_list("kind", flat=True))
        transaction.set_rollback(True)
    if response.streaming:
        give_back(response)
    return response.status_code, kinds


def test_every_change_is_logged_and_no_question_is(world: World) -> None:
    silent, loud = [], []
    for call in calls():
        for caller in ("org-admin", "superuser"):
            status, kinds = kinds_left_by(world, call, caller)
            if call.method == "GET" and kinds:
                loud.append(f"{call.method} {call.address}: {kinds}")
            elif call.method != "GET" and status < 300 and not kinds and call.nickname not in CHANGES_NOTHING:
                silent.append(f"{call.method} {call.address} ({call.nickname}) as {caller}: {status}")

    assert not silent, "\n".join(silent)
    assert not loud, "\n".join(loud)


def test_every_kind_that_calls_leave_is_explained(world: World) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "usage-logs.md").read_text()

    kinds = {kind for call in calls() if call.method != "GET" for kind in kinds_left_by(world, call, "org-admin")[1]}

    assert len(kinds) > 20
    assert not [kind for kind in sorted(kinds) if f"`{kind}`" not in page]


def test_only_calls_that_there_are_are_left_out() -> None:
    assert CHANGES_NOTHING.keys() | OTHER_BODIES.keys() <= {call.nickname for call in calls()}
