"""Bringing what is there to what is declared, or saying how it differs. The second time nothing is written."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db import transaction

from mirrors.errors import AlreadyExists, MirrorError
from mirrors.models.encryption import DecryptionFailed
from mirrors.services.collisions import again_after_collision
from mirrors.services.declarations.accounts import OrganizationKind, RobotKind
from mirrors.services.declarations.documents import (
    Document,
    DocumentError,
    Environment,
    Secrets,
    Shape,
    is_secret,
    read_document,
)
from mirrors.services.declarations.kinds import UNREADABLE, Kind, check_absent
from mirrors.services.declarations.mirrors import OrganizationMirrorKind, RepositoryMirrorKind
from mirrors.services.declarations.notifications import NotificationKind
from mirrors.services.declarations.repositories import RepositoryKind
from mirrors.services.declarations.rights import Rights

KINDS: dict[str, Kind[Any]] = {
    kind.name: kind
    for kind in (
        OrganizationKind(),
        RobotKind(),
        OrganizationMirrorKind(),
        RepositoryKind(),
        RepositoryMirrorKind(),
        NotificationKind(),
    )
}
"""Every kind, in the order in which documents are applied: what others need comes first."""
_ORDER = {name: position for position, name in enumerate(KINDS)}
_SHAPES = {kind.name: Shape(kind.identity, kind.keys, kind.passed_over, kind.told_apart_by) for kind in KINDS.values()}


class Action(StrEnum):
    """What was done about a document, or would be."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True)
class Difference:
    """One key of a spec, what is stored and what is declared; nothing secret."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Applied:
    """What became of one document. error, error_field: why it failed, and where; nothing of it was written then."""

    kind: str
    name: str
    action: Action
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str = ""
    error_field: str = ""


class _Undone(Exception):
    """Ends the transaction of a dry run."""


def documents_of(raw: Iterable[Any], *, environment: Environment | None = None) -> list[Document]:
    """All documents, in the order in which they are applied; raises DocumentError for the first that is malformed."""
    raw = list(raw)
    secrets = Secrets(raw, environment=environment)
    documents = [
        read_document(each, position=position, shapes=_SHAPES, secrets=secrets)
        for position, each in enumerate(raw, start=1)
        if not is_secret(each)
    ]
    seen: set[tuple[str, str]] = set()
    for document in documents:
        if (document.kind, document.name) in seen:
            raise DocumentError("is declared twice.", document=document.title)
        seen.add((document.kind, document.name))
    return sorted(documents, key=lambda document: _ORDER[document.kind])


def apply(documents: Iterable[Document], *, rights: Rights, dry_run: bool = False) -> list[Applied]:
    """Apply each document by itself, whole or not at all; what one that failed would have made, others miss.

    dry_run: all of it is done and then undone, so that documents which need each other find each other.
    """
    if not dry_run:
        return [_apply(document, rights) for document in documents]
    results: list[Applied] = []
    try:
        with transaction.atomic():
            results += [_apply(document, rights) for document in documents]
            raise _Undone  # noqa: TRY301 - the way to roll back
    except _Undone:
        return results


def _apply(document: Document, rights: Rights) -> Applied:
    kind = KINDS[document.kind]
    try:
        with suppress(AlreadyExists):  # somebody may have made it just now: who applies the same file at the same time
            return again_after_collision(lambda: _bring(document, kind, rights))
        return again_after_collision(lambda: _bring(document, kind, rights))
    except MirrorError as error:
        return _failed(document, error.message, kind=kind, place=error.field)
    except DecryptionFailed as error:
        return _failed(document, str(error), kind=kind)


def _bring(document: Document, kind: Kind[Any], rights: Rights) -> Applied:
    row = kind.find(document, rights)
    if row is None:
        with transaction.atomic():
            row = kind.create(document, rights)
            kind.follow_orders(row, document, rights)
        made = [
            Difference(f"spec.{key}", None, kind.keys[key].told(value))
            for key, value in document.values.items()
            if key not in kind.orders
        ]
        return Applied(document.kind, document.name, Action.CREATED, made, document.notes)
    stored = kind.stored(row)
    notes = document.notes + check_absent(document, stored)
    differing = {key: value for key, value in kind.desired(document, stored).items() if stored[key] != value}
    notes += [f"spec.{key} stays as it is: it counts only when it is made." for key in kind.fixed if key in differing]
    changed = {key: value for key, value in differing.items() if key not in kind.fixed}
    if not changed:
        return Applied(document.kind, document.name, Action.UNCHANGED, [], notes)
    differences = [_difference(kind, key, stored[key], value) for key, value in changed.items()]
    with transaction.atomic():
        kind.change(row, document, changed, rights)
        kind.follow_orders(row, document, rights)
    return Applied(document.kind, document.name, Action.CHANGED, differences, notes)


def _difference(kind: Kind[Any], key: str, before: Any, after: Any) -> Difference:
    shown = str(before) if before is UNREADABLE else kind.keys[key].told(before)
    return Difference(f"spec.{key}", shown, kind.keys[key].told(after))


def _failed(document: Document, message: str, *, kind: Kind[Any], place: str = "") -> Applied:
    key = kind.key_of(place)
    return Applied(
        document.kind,
        document.name,
        Action.FAILED,
        notes=document.notes,
        error=message,
        error_field=f"spec.{key}" if key else place if place.startswith("spec.") else "",
    )
