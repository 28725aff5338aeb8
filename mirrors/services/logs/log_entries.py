"""The audit log: each change and each end of a sync leaves an entry with Quay's kind and metadata.

Call `record` inside the transaction of the change, so that there is neither a change without an entry nor an entry of
a change that was rolled back. Who acts is not passed along: the doors say so once, with `acting`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from mirrors.models import AccessToken, LogEntry, Namespace, Repository, Robot, User
from mirrors.services.logs.log_secrets import without_secrets

BATCH = 500
LONGEST_USER_AGENT = 500

Performer = User | Robot | AnonymousUser | None


@dataclass(frozen=True)
class _Actor:
    performer: Performer = None
    ip: str | None = None
    token: AccessToken | None = None
    user_agent: str = ""


_FARM = _Actor()
_actor: ContextVar[_Actor] = ContextVar("actor", default=_FARM)


@contextmanager
def acting(performer: Performer, *, ip: str | None = None, user_agent: str = "") -> Iterator[None]:
    """Within it, what is recorded was done by this account from this address; outside of any, by the farm itself."""
    before = _actor.set(_Actor(performer, ip, user_agent=user_agent[:LONGEST_USER_AGENT]))
    try:
        yield
    finally:
        _actor.reset(before)


def identify(performer: Performer, *, token: AccessToken | None = None) -> None:
    """Say who it is that acts, once that is known, until the end of the `acting` around it."""
    _actor.set(replace(_actor.get(), performer=performer, token=token))


def acting_address() -> str:
    """The address that the present request comes from; empty outside of any."""
    return _actor.get().ip or ""


def record(
    kind: str,
    /,
    *,
    namespace: Namespace | None = None,
    repository: Repository | None = None,
    performer: User | Robot | None = None,
    **metadata: Any,
) -> LogEntry:
    """Write an entry; see `entry_of`."""
    entry = entry_of(kind, namespace=namespace, repository=repository, performer=performer, **metadata)
    entry.save(force_insert=True)
    return entry


def record_all(entries: Collection[LogEntry]) -> None:
    """Write many entries in few statements."""
    LogEntry.objects.bulk_create(entries, batch_size=BATCH)


def entry_of(
    kind: str,
    /,
    *,
    namespace: Namespace | None = None,
    repository: Repository | None = None,
    performer: User | Robot | None = None,
    **metadata: Any,
) -> LogEntry:
    """An entry that is not saved yet.

    kind: Quay's. namespace: not needed beside a repository. A row that is about to go is given before it is deleted:
    the entry keeps its name. performer: not needed where the account behind the request is meant. metadata: what JSON
    can hold; passwords, tokens and the credentials of URLs are masked, but better never come here.
    """
    actor = _actor.get()
    account = performer or actor.performer
    namespace = namespace or (repository.namespace if repository else None)
    of_whom = {
        "namespace": namespace.name if namespace else None,
        "repo": repository.name if repository else None,
    }
    metadata = {key: value for key, value in of_whom.items() if value is not None} | _context(actor) | metadata
    return LogEntry(
        kind=kind,
        namespace_id=namespace.pk if namespace else None,
        namespace_name=namespace.name if namespace else "",
        repository_id=repository.pk if repository else None,
        repository_name=repository.name if repository else "",
        performer_id=account.pk if isinstance(account, User) else None,
        performer_name=_name_of(account),
        ip=actor.ip,
        metadata=without_secrets(metadata),
        created_at=timezone.now(),
    )


def _name_of(account: Performer) -> str:
    if isinstance(account, Robot):
        return account.full_name
    return account.username if isinstance(account, User) else ""


def _context(actor: _Actor) -> dict[str, Any]:
    """What a call of the API adds: the program that called, and the token's application, in Quay's words."""
    context: dict[str, Any] = {"user-agent": actor.user_agent} if actor.user_agent else {}
    if actor.token is None:
        return context
    context |= {"kind": "oauth", "username": actor.token.user.username, "oauth_token_id": actor.token.pk}
    application = actor.token.application
    if application is not None:
        context |= {
            "oauth_token_application_id": application.client_id,
            "oauth_token_application": application.name,
        }
    return context
