"""Bearer tokens of the REST API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from mirrors.errors import InvalidInput
from mirrors.models import AccessToken, Application, Namespace, User
from mirrors.services.logs import log_entries

SCOPES = (
    "repo:read",
    "repo:write",
    "repo:admin",
    "repo:create",
    "user:read",
    "user:admin",
    "org:admin",
    "super:user",
)
"""Quay's scopes."""

LONGEST_NAME = 100
LIFETIME = timedelta(days=3652, hours=12)
"""Ten years: of tokens that applications get, as in Quay."""
USE_IS_NOTED_EVERY = timedelta(minutes=1)


def issue_token(
    user: User,
    *,
    name: str,
    scopes: list[str],
    expires_at: datetime | None = None,
    application: Application | None = None,
) -> tuple[AccessToken, str]:
    """A new token and its text, which is not kept and cannot be shown again. application: with which it ends."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidInput(f"Scopes are {', '.join(SCOPES)}; {', '.join(unknown) or 'none'} given.", field="scopes")
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise InvalidInput(f"Give a name of 1 to {LONGEST_NAME} characters: what the token is for.", field="name")
    text = AccessToken.new_text()
    with transaction.atomic():
        token = AccessToken.objects.create(
            user=user,
            application=application,
            name=name,
            scopes=" ".join(scopes),
            token_hash=AccessToken.hash_of(text),
            expires_at=expires_at,
        )
        _record("create_oauth_api_token", token, scope=token.scopes, token_display_name=name, auth_method="OAuth")
    return token, text


def scopes_in(text: str) -> list[str]:
    """The scopes of a text that lists them with spaces or commas, each once; one unknown scope voids all (Quay)."""
    scopes = list(dict.fromkeys(text.replace(",", " ").split()))
    if not scopes or set(scopes) - set(SCOPES):
        raise InvalidInput(
            f"The scope is not valid, so that no token is made. Give some of: {' '.join(SCOPES)}.", field="scope"
        )
    return scopes


def end_in(seconds: int) -> datetime:
    """When a token ends that is made now and lives for so long."""
    return timezone.now() + timedelta(seconds=seconds)


@transaction.atomic
def revoke_token(token: AccessToken) -> None:
    """Delete it: from now on it opens nothing."""
    _record("revoke_oauth_api_token", token)
    token.delete()


def forget_expired() -> int:
    """Delete the tokens that open nothing any more; gives how many."""
    deleted, _ = AccessToken.objects.filter(expires_at__lt=timezone.now()).delete()
    return deleted


def find_token(text: str) -> AccessToken | None:
    """The valid token of this text, or None."""
    token = AccessToken.objects.select_related("user").filter(token_hash=AccessToken.hash_of(text)).first()
    if token is None or not token.is_valid:
        return None
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > USE_IS_NOTED_EVERY:
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def _record(kind: str, token: AccessToken, **metadata: Any) -> None:
    """An entry of the application's organization, or of the user."""
    application = token.application
    if application is None:
        namespace = Namespace.objects.filter(user=token.user).first()
    else:
        namespace = application.namespace
        metadata |= {"application_name": application.name, "client_id": application.client_id}
    log_entries.record(kind, namespace=namespace, oauth_token_uuid=str(token.pk), **metadata)
