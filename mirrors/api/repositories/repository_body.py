"""How a repository looks in the API."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from mirrors.api.dates import mail_date
from mirrors.api.operations import BOOLEAN, INTEGER, MAIL_DATE, STRING, Schema, answer, array, or_null
from mirrors.models import Namespace, Repository
from mirrors.services.repositories.repository_figures import DailyCount
from mirrors.services.tags import Content, TagVersion

STATE: Schema = {"type": "string", "enum": list(Repository.State.values)}
KIND: Schema = {"type": "string", "enum": ["image"]}

LISTED: Schema = answer(
    {
        "namespace": STRING,
        "name": STRING,
        "description": STRING,
        "is_public": BOOLEAN,
        "kind": KIND,
        "state": STATE,
    },
    {"is_starred": BOOLEAN, "last_modified": or_null(INTEGER), "popularity": {"type": "number"}},
)
"""In a list. last_modified: Unix seconds."""

TAG: Schema = answer(
    {"name": STRING, "size": or_null(INTEGER), "manifest_digest": STRING}, {"last_modified": MAIL_DATE}
)
STATISTIC: Schema = answer({"date": {"type": "string", "format": "date"}, "count": INTEGER})

REPOSITORY: Schema = answer(
    {
        "namespace": STRING,
        "name": STRING,
        "kind": KIND,
        "description": STRING,
        "is_public": BOOLEAN,
        "is_organization": BOOLEAN,
        "is_starred": BOOLEAN,
        "status_token": STRING,
        "trust_enabled": BOOLEAN,
        "tag_expiration_s": or_null(INTEGER),
        "is_free_account": BOOLEAN,
        "state": STATE,
        "can_write": BOOLEAN,
        "can_admin": BOOLEAN,
    },
    {"tags": {"type": "object", "additionalProperties": TAG}, "stats": array(STATISTIC)},
)


def listed_body(
    repository: Repository,
    *,
    starred: Collection[int] | None,
    modified: Mapping[int, datetime] | None,
    with_popularity: bool,
) -> dict[str, Any]:
    """A line of a list. starred, modified: by primary key; None where it was not asked for, or nobody has signed in."""
    body: dict[str, Any] = {
        "namespace": repository.namespace.name,
        "name": repository.name,
        "description": repository.description,
        "is_public": repository.is_public,
        "kind": "image",
        "state": repository.state,
    }
    if starred is not None:
        body["is_starred"] = repository.pk in starred
    if modified is not None:
        at = modified.get(repository.pk)
        body["last_modified"] = None if at is None else int(at.timestamp())
    if with_popularity:
        body["popularity"] = 0.0  # a score of pulls, which are not counted here
    return body


def repository_body(repository: Repository, *, is_starred: bool, can_write: bool, can_admin: bool) -> dict[str, Any]:
    """One repository, without its tags and figures."""
    return {
        "namespace": repository.namespace.name,
        "name": repository.name,
        "kind": "image",
        "description": repository.description,
        "is_public": repository.is_public,
        "is_organization": repository.namespace.kind == Namespace.Kind.ORGANIZATION,
        "is_starred": is_starred,
        "status_token": "",
        "trust_enabled": False,
        "tag_expiration_s": repository.namespace.tag_expiration_seconds,
        "is_free_account": False,
        "state": repository.state,
        "can_write": can_write,
        "can_admin": can_admin,
    }


def tags_body(tags: Collection[tuple[TagVersion, Content]]) -> dict[str, Any]:
    """Tags by name."""
    return {version.name: _tag_body(version, content) for version, content in tags}


def statistics_body(counts: Collection[DailyCount]) -> list[dict[str, Any]]:
    """How much happened each day."""
    return [{"date": count.day.isoformat(), "count": count.count} for count in counts]


def _tag_body(version: TagVersion, content: Content) -> dict[str, Any]:
    body: dict[str, Any] = {"name": version.name, "size": content.size, "manifest_digest": content.digest}
    if version.started_at:
        body["last_modified"] = mail_date(version.started_at.replace(microsecond=0))
    return body
