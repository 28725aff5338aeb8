"""Quay's words for how mirrors are doing, for lists and sums: made in the API, and stored nowhere."""

from __future__ import annotations

from mirrors.models import OrganizationMirror
from mirrors.services.mirroring.mirror_phases import Phase

OF_PHASE = {
    Phase.NEVER_RUN: "NEVER_RUN",
    Phase.REQUESTED: "SYNC_NOW",
    Phase.SYNCING: "SYNCING",
    Phase.RETRYING: "FAIL",
    Phase.SUCCEEDED: "SUCCESS",
    Phase.FAILED: "FAIL",
    Phase.LOST: "FAIL",
    Phase.CANCELLED: "CANCEL",
    Phase.SKIPPED: "SKIP",
}
"""The word for each phase; FAIL has three."""

WORDS = ("CANCEL", "FAIL", "NEVER_RUN", "SUCCESS", "SYNCING", "SYNC_NOW", "SKIP")
"""All of them. A repository's own mirror is never SKIP."""

OF_DISCOVERY = {
    OrganizationMirror.Status.NEVER_RUN: "NEVER_RUN",
    OrganizationMirror.Status.REQUESTED: "SYNC_NOW",
    OrganizationMirror.Status.RUNNING: "SYNCING",
    OrganizationMirror.Status.SUCCEEDED: "SUCCESS",
    OrganizationMirror.Status.FAILED: "FAIL",
    OrganizationMirror.Status.CANCELLED: "CANCEL",
}
"""The word for each status of an organization mirror itself."""


def phases_of(word: str) -> list[Phase]:
    """The phases that this word is for, none where it is no word."""
    return [phase for phase, its_word in OF_PHASE.items() if its_word == word]
